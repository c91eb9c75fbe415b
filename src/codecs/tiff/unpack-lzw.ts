import { refuseTiff } from './directory.js';

const CLEAR = 256;
const END = 257;
const FIRST = 258;
const MAX_CODES = 4096;

/**
 * LZW of TIFF (TIFF 6.0, section 13): codes of 9 to 12 bits, the highest bit first, widened one code earlier than the
 * table would need. The output has at most `limitBytes`; more is refused.
 */
export function unpackLzw(bytes: Uint8Array, limitBytes: number): Uint8Array {
  // Writers before TIFF 5.0 packed the lowest bit first: their first code, CLEAR, begins with a byte of 0.
  if (bytes.length >= 2 && bytes[0] === 0 && (bytes[1]! & 1) === 1) throw refuseTiff('old-style LZW (lowest bit first) is not supported');
  const out = new Uint8Array(limitBytes);
  const prefix = new Uint16Array(MAX_CODES);
  const suffix = new Uint8Array(MAX_CODES);
  const lengths = new Uint16Array(MAX_CODES);
  for (let code = 0; code < CLEAR; code++) {
    suffix[code] = code;
    lengths[code] = 1;
  }
  let width = 9;
  let next = FIRST;
  let before = -1;
  let firstByte = 0;
  let written = 0;
  let bits = 0;
  let held = 0;
  let at = 0;
  for (;;) {
    while (held < width && at < bytes.length) {
      bits = ((bits << 8) | bytes[at++]!) & 0xffffff;
      held += 8;
    }
    if (held < width) break;
    held -= width;
    const code = (bits >>> held) & ((1 << width) - 1);
    if (code === END) break;
    if (code === CLEAR) {
      width = 9;
      next = FIRST;
      before = -1;
      continue;
    }
    if (code > next || (code === next && before < 0) || (before < 0 && code > END))
      throw refuseTiff('the LZW data contain a code that is not in the table');
    const isNew = code === next;
    const known = isNew ? before : code;
    const length = lengths[known]! + (isNew ? 1 : 0);
    if (written + length > limitBytes) throw refuseTiff(`the LZW data exceed the ${limitBytes} bytes of their strip or tile`);
    let to = written + length;
    if (isNew) out[--to] = firstByte;
    let walk = known;
    while (to > written) {
      out[--to] = suffix[walk]!;
      walk = prefix[walk]!;
    }
    firstByte = out[written]!;
    written += length;
    if (before >= 0 && next < MAX_CODES) {
      prefix[next] = before;
      suffix[next] = firstByte;
      lengths[next] = lengths[before]! + 1;
      next++;
      if (next >= (1 << width) - 1 && width < 12) width++;
    }
    before = code;
  }
  return out.subarray(0, written);
}
