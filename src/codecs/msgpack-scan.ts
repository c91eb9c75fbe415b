import { malformed } from './message-header.js';

const MAX_LEVELS = 40;

/** Types of a fixed length in bytes: nil, the booleans, floats, unsigned and signed integers. */
const FIXED: ReadonlyMap<number, number> = new Map([
  [0xc0, 0],
  [0xc2, 0],
  [0xc3, 0],
  [0xca, 4],
  [0xcb, 8],
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xcf, 8],
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
  [0xd3, 8],
]);

/** Types that begin with a length or a count of this many bytes. */
const COUNTED: ReadonlyMap<number, readonly [1 | 2 | 4, 'bytes' | 'list' | 'map']> = new Map([
  [0xc4, [1, 'bytes']],
  [0xc5, [2, 'bytes']],
  [0xc6, [4, 'bytes']],
  [0xd9, [1, 'bytes']],
  [0xda, [2, 'bytes']],
  [0xdb, [4, 'bytes']],
  [0xdc, [2, 'list']],
  [0xdd, [4, 'list']],
  [0xde, [2, 'map']],
  [0xdf, [4, 'map']],
]);

const isText = (token: number | undefined) => token !== undefined && ((token >= 0xa0 && token <= 0xbf) || (token >= 0xd9 && token <= 0xdb));

/**
 * Scans one MessagePack value and refuses input that the decoder must never see: lengths beyond the message, nesting
 * deeper than any header needs, extension types (which would let a sender create regular expressions, dates or
 * pointers), keys that are not text, and bytes after the value. Counts of lists and maps are limited by the bytes that
 * follow. Source of the definition: msgpack/msgpack, spec.md.
 */
export function scanMessagePack(codec: string, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;

  const take = (lengthBytes: number): number => {
    if (lengthBytes > bytes.length - at) throw malformed(codec, 'the message ends inside a value');
    at += lengthBytes;
    return at - lengthBytes;
  };
  const list = (count: number, levels: number): void => {
    for (let index = 0; index < count; index++) value(levels);
  };
  const map = (count: number, levels: number): void => {
    for (let index = 0; index < count; index++) {
      if (!isText(bytes[at])) throw malformed(codec, 'a key is not text, or the message ends inside a map');
      value(levels);
      value(levels);
    }
  };

  function value(levels: number): void {
    if (levels === 0) throw malformed(codec, 'values are nested too deeply');
    const token = bytes[take(1)]!;
    if (token <= 0x7f || token >= 0xe0) return;
    if (token <= 0x8f) map(token & 0x0f, levels - 1);
    else if (token <= 0x9f) list(token & 0x0f, levels - 1);
    else if (token <= 0xbf) take(token & 0x1f);
    else counted(token, levels);
  }

  function counted(token: number, levels: number): void {
    const fixedBytes = FIXED.get(token);
    if (fixedBytes !== undefined) {
      take(fixedBytes);
      return;
    }
    const [sizeBytes, kind] = COUNTED.get(token) ?? [];
    if (sizeBytes === undefined) throw malformed(codec, `the type 0x${token.toString(16)} is not supported (nor are extension types)`);
    const from = take(sizeBytes);
    const count = sizeBytes === 1 ? view.getUint8(from) : sizeBytes === 2 ? view.getUint16(from) : view.getUint32(from);
    if (kind === 'bytes') take(count);
    else if (kind === 'list') list(count, levels - 1);
    else map(count, levels - 1);
  }

  value(MAX_LEVELS);
  if (at !== bytes.length) throw malformed(codec, `${bytes.length - at} bytes are left after the message`);
}
