import { MillraceError } from '../../errors/errors.js';
import { FLAG_COMMAND, frame } from './frame-layout.js';

/** Commands of ZMTP 3.1: one byte with the length of the name, the name, then data that depends on it. */
export interface Command {
  readonly name: string;
  readonly data: Buffer;
}

export type Metadata = ReadonlyMap<string, Buffer>;

const CONTEXT_LIMIT_BYTES = 16;
const PROPERTIES_LIMIT = 64;
// libzmq 4.3 refuses clients of PLAIN with these five bytes in place of the length and ERROR.
const MISSPELT_ERROR = Buffer.from('^RROR', 'latin1');

export function encodeCommand(name: string, data: Uint8Array = Buffer.alloc(0)): Buffer {
  return frame(FLAG_COMMAND, Buffer.concat([Buffer.from([name.length]), Buffer.from(name, 'latin1'), data]));
}

/** `body` is aliased by the data of the command. */
export function decodeCommand(body: Buffer): Command {
  if (body.subarray(0, MISSPELT_ERROR.length).equals(MISSPELT_ERROR)) return { name: 'ERROR', data: body.subarray(MISSPELT_ERROR.length) };
  if (body.length === 0 || body[0] === 0) throw broken('a command without a name');
  const nameEnd = 1 + body[0]!;
  if (nameEnd > body.length) throw broken(`a command of ${body.length} bytes whose name has ${body[0]}`);
  return { name: body.toString('latin1', 1, nameEnd), data: body.subarray(nameEnd) };
}

/** Each property: one byte with the length of the name, the name, four bytes with the length of the value, the value. */
export function encodeMetadata(properties: Iterable<readonly [string, Uint8Array]>): Buffer {
  const pieces: Uint8Array[] = [];
  for (const [name, value] of properties) {
    const head = Buffer.alloc(1 + name.length + 4);
    head[0] = name.length;
    head.write(name, 1, 'latin1');
    head.writeUInt32BE(value.length, 1 + name.length);
    pieces.push(head, value);
  }
  return Buffer.concat(pieces);
}

/** Names come back in lower case, as they are compared without regard to case. Values are copies. */
export function decodeMetadata(data: Buffer): Metadata {
  const properties = new Map<string, Buffer>();
  let offset = 0;
  while (offset < data.length) {
    const nameLength = data[offset]!;
    const valueAt = offset + 1 + nameLength + 4;
    if (nameLength === 0 || valueAt > data.length) throw broken('metadata that ends inside a property');
    const name = data.toString('latin1', offset + 1, offset + 1 + nameLength).toLowerCase();
    const valueLength = data.readUInt32BE(valueAt - 4);
    if (valueLength > data.length - valueAt) throw broken(`a property of ${valueLength} bytes that does not fit in its command`);
    if (properties.size >= PROPERTIES_LIMIT) throw new MillraceError('ERR_PEER_LIMIT', `more than ${PROPERTIES_LIMIT} properties`);
    properties.set(name, Buffer.from(data.subarray(valueAt, valueAt + valueLength)));
    offset = valueAt + valueLength;
  }
  return properties;
}

/** @param ttlMs rounded down to tenths of a second, at most 6553.5 s; 0 for none */
export function encodePing(ttlMs: number, context: Uint8Array = Buffer.alloc(0)): Buffer {
  const ttl = Buffer.alloc(2);
  ttl.writeUInt16BE(Math.min(0xffff, Math.floor(ttlMs / 100)));
  return encodeCommand('PING', Buffer.concat([ttl, context]));
}

export function decodePing(data: Buffer): { readonly ttlMs: number; readonly context: Buffer } {
  if (data.length < 2) throw broken('a PING without its time to live');
  if (data.length - 2 > CONTEXT_LIMIT_BYTES) throw broken(`a PING with a context of ${data.length - 2} bytes`);
  return { ttlMs: data.readUInt16BE(0) * 100, context: data.subarray(2) };
}

export function encodeError(reason: string): Buffer {
  const text = Buffer.from(reason, 'latin1').subarray(0, 255);
  return encodeCommand('ERROR', Buffer.concat([Buffer.from([text.length]), text]));
}

/** The reason of an ERROR command, with what cannot be printed left out. */
export function decodeError(data: Buffer): string {
  if (data.length === 0 || 1 + data[0]! > data.length) throw broken('an ERROR whose reason does not fit in it');
  return data.toString('latin1', 1, 1 + data[0]!).replace(/[^\x20-\x7e]/g, '?');
}

export function encodeHello(username: string, password: string): Buffer {
  const user = Buffer.from(username);
  const secret = Buffer.from(password);
  return encodeCommand('HELLO', Buffer.concat([Buffer.from([user.length]), user, Buffer.from([secret.length]), secret]));
}

export function decodeHello(data: Buffer): { readonly username: string; readonly password: string } {
  const userEnd = 1 + (data[0] ?? 0);
  if (userEnd >= data.length) throw broken('a HELLO that ends inside the name of the user');
  const passwordEnd = userEnd + 1 + data[userEnd]!;
  if (passwordEnd !== data.length) throw broken('a HELLO with inconsistent lengths');
  return { username: data.toString('utf8', 1, userEnd), password: data.toString('utf8', userEnd + 1, passwordEnd) };
}

export function broken(what: string): MillraceError {
  return new MillraceError('ERR_PEER_PROTOCOL', `the peer sent ${what}`);
}
