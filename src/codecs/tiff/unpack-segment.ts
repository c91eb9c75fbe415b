import { inflateSync } from 'node:zlib';
import { refuseTiff } from './directory.js';
import { unpackLzw } from './unpack-lzw.js';

const NONE = 1;
const LZW = 5;
const DEFLATE = 8;
const PACK_BITS = 32773;
const OLD_DEFLATE = 32946;

const READ: ReadonlySet<number> = new Set([NONE, LZW, DEFLATE, PACK_BITS, OLD_DEFLATE]);
const NAMES: Readonly<Record<number, string>> = {
  2: 'CCITT',
  3: 'CCITT fax 3',
  4: 'CCITT fax 4',
  6: 'old JPEG',
  7: 'JPEG',
  33003: 'JPEG 2000',
  33005: 'JPEG 2000',
  34712: 'JPEG 2000',
  34887: 'LERC',
  34925: 'LZMA',
  34933: 'PNG',
  50000: 'Zstandard',
  50001: 'WebP',
};
/** A byte of Deflate expands to at most 1032, one of LZW to fewer than 4096. */
export const MAX_EXPANSION = 4096;

/** Throws ERR_FORMAT for an unsupported compression. */
export function checkCompression(compression: number, predictor: number): void {
  const name = Object.hasOwn(NAMES, compression) ? NAMES[compression] : compression;
  if (!READ.has(compression)) throw refuseTiff(`the compression ${name} is not supported: save it with Deflate, LZW or none`);
  if (predictor < 1 || predictor > 3) throw refuseTiff(`the predictor ${predictor} is not known`);
  if (predictor !== 1 && (compression === NONE || compression === PACK_BITS))
    throw refuseTiff('a predictor without LZW or Deflate has no defined meaning');
}

export const isPacked = (compression: number): boolean => compression !== NONE;

/** Unpacks a strip or tile: at most `limitBytes`, which limits the memory that a hostile file can use. */
export function unpackSegment(compression: number, bytes: Uint8Array, limitBytes: number): Uint8Array {
  if (compression === NONE || limitBytes === 0) return bytes.subarray(0, limitBytes);
  if (compression === LZW) return unpackLzw(bytes, limitBytes);
  if (compression === PACK_BITS) return unpackPackBits(bytes, limitBytes);
  try {
    return inflateSync(bytes, { maxOutputLength: limitBytes });
  } catch (error) {
    throw refuseTiff(`the Deflate data do not unpack to at most ${limitBytes} bytes`, error);
  }
}

/** TIFF 6.0, section 9: a signed count, then that many bytes and one more, or one byte to repeat. */
function unpackPackBits(bytes: Uint8Array, limitBytes: number): Uint8Array {
  const out = new Uint8Array(limitBytes);
  let written = 0;
  for (let at = 0; at < bytes.length; ) {
    const count = (bytes[at++]! << 24) >> 24;
    if (count === -128) continue;
    const length = count < 0 ? 1 - count : count + 1;
    if (written + length > limitBytes) throw refuseTiff(`the PackBits data exceed the ${limitBytes} bytes of their strip or tile`);
    const taken = count < 0 ? 1 : length;
    if (at + taken > bytes.length) throw refuseTiff('the PackBits data end inside a run');
    if (count < 0) out.fill(bytes[at]!, written, written + length);
    else out.set(bytes.subarray(at, at + length), written);
    at += taken;
    written += length;
  }
  return out.subarray(0, written);
}
