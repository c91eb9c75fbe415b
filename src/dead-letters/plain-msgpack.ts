import { MillraceError } from '../errors/errors.js';

/** More than any letter needs: MAX_META_LEVELS and the map itself. */
const MAX_LEVELS = 40;
const utf8 = new TextDecoder('utf-8', { fatal: true });

const refuse = (detail: string): MillraceError => new MillraceError('ERR_FORMAT', detail);

/**
 * Reads the plain part of MessagePack from untrusted bytes: nil, booleans, numbers, text, lists, maps with text as
 * keys. Every length is checked against the remaining bytes before use, and no allocation depends on an announced
 * count. Throws ERR_FORMAT. Source of the definition: msgpack/msgpack, spec.md.
 */
export class PlainMsgpack {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Offset of the next value. */
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #take(lengthBytes: number): number {
    if (lengthBytes > this.#bytes.length - this.at) throw refuse('it ends inside a value');
    this.at += lengthBytes;
    return this.at - lengthBytes;
  }

  #uint(sizeBytes: 1 | 2 | 4): number {
    const from = this.#take(sizeBytes);
    if (sizeBytes === 1) return this.#view.getUint8(from);
    return sizeBytes === 2 ? this.#view.getUint16(from) : this.#view.getUint32(from);
  }

  /** Number of entries of the map that begins here. */
  mapSize(): number {
    const token = this.#uint(1);
    if (token >= 0x80 && token <= 0x8f) return token & 0x0f;
    if (token === 0xde) return this.#uint(2);
    throw refuse('it is not a map');
  }

  /** Length of the `bin` that begins here; its bytes follow and are not read. */
  binLength(): number {
    const token = this.#uint(1);
    if (token < 0xc4 || token > 0xc6) throw refuse('its data is not bin');
    return this.#uint(token === 0xc4 ? 1 : token === 0xc5 ? 2 : 4);
  }

  text(): string {
    const token = this.#uint(1);
    const length = this.#textLength(token);
    if (length === undefined) throw refuse('a key is not text');
    return this.#text(length);
  }

  #textLength(token: number): number | undefined {
    if (token >= 0xa0 && token <= 0xbf) return token & 0x1f;
    return token >= 0xd9 && token <= 0xdb ? this.#uint(token === 0xd9 ? 1 : token === 0xda ? 2 : 4) : undefined;
  }

  #text(lengthBytes: number): string {
    const from = this.#take(lengthBytes);
    try {
      return utf8.decode(this.#bytes.subarray(from, from + lengthBytes));
    } catch {
      throw refuse('a text is not UTF-8');
    }
  }

  value(levels = MAX_LEVELS): unknown {
    if (levels === 0) throw refuse('values are nested too deeply');
    const token = this.#uint(1);
    if (token <= 0x7f) return token;
    if (token >= 0xe0) return token - 0x100;
    if (token <= 0x8f) return this.#map(token & 0x0f, levels);
    if (token <= 0x9f) return this.#list(token & 0x0f, levels);
    const length = this.#textLength(token);
    return length === undefined ? this.#scalarOrCounted(token, levels) : this.#text(length);
  }

  #scalarOrCounted(token: number, levels: number): unknown {
    switch (token) {
      case 0xc0:
        return null;
      case 0xc2:
      case 0xc3:
        return token === 0xc3;
      case 0xca:
        return this.#view.getFloat32(this.#take(4));
      case 0xcb:
        return this.#view.getFloat64(this.#take(8));
      case 0xcc:
        return this.#uint(1);
      case 0xcd:
        return this.#uint(2);
      case 0xce:
        return this.#uint(4);
      case 0xcf:
        return Number(this.#view.getBigUint64(this.#take(8)));
      case 0xd0:
        return this.#view.getInt8(this.#take(1));
      case 0xd1:
        return this.#view.getInt16(this.#take(2));
      case 0xd2:
        return this.#view.getInt32(this.#take(4));
      case 0xd3:
        return Number(this.#view.getBigInt64(this.#take(8)));
      case 0xdc:
      case 0xdd:
        return this.#list(this.#uint(token === 0xdc ? 2 : 4), levels);
      case 0xde:
      case 0xdf:
        return this.#map(this.#uint(token === 0xde ? 2 : 4), levels);
      default:
        throw refuse(`the type 0x${token.toString(16)} is not allowed`);
    }
  }

  #list(count: number, levels: number): unknown[] {
    const list: unknown[] = [];
    for (let i = 0; i < count; i++) list.push(this.value(levels - 1));
    return list;
  }

  #map(count: number, levels: number): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    for (let i = 0; i < count; i++) {
      const key = this.text();
      const value = this.value(levels - 1);
      // If a later reader assigned it, it would change a prototype.
      if (key !== '__proto__') map[key] = value;
    }
    return map;
  }
}
