/**
 * Converts the rows of a strip or tile into little-endian items, in place if possible. `rowItems` items of `itemBytes`
 * each make a row; `bytes` contains whole rows, aligned to 8 bytes. Predictor 2: TIFF 6.0, section 14. Predictor 3:
 * Adobe Photoshop TIFF Technical Note 3.
 */
export function undoPredictor(predictor: number, bytes: Uint8Array, itemBytes: number, rowItems: number, bigEndian: boolean): Uint8Array {
  if (predictor === 3) return joinFloatPlanes(bytes, itemBytes, rowItems);
  if (bigEndian) swap(bytes, itemBytes);
  if (predictor === 2) addAlongRows(bytes, itemBytes, rowItems);
  return bytes;
}

function swap(bytes: Uint8Array, itemBytes: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (itemBytes === 2) buffer.swap16();
  if (itemBytes === 4) buffer.swap32();
  if (itemBytes === 8) buffer.swap64();
}

/** Each item is the difference from the previous one in its row; the sum wraps as the items do. */
function addAlongRows(bytes: Uint8Array, itemBytes: number, rowItems: number): void {
  const { buffer, byteOffset, byteLength } = bytes;
  const count = byteLength / itemBytes;
  if (itemBytes === 8) {
    const items = new BigUint64Array(buffer, byteOffset, count);
    for (let index = 0; index < count; index++) if (index % rowItems !== 0) items[index] = items[index]! + items[index - 1]!;
    return;
  }
  const items =
    itemBytes === 1 ? bytes : itemBytes === 2 ? new Uint16Array(buffer, byteOffset, count) : new Uint32Array(buffer, byteOffset, count);
  for (let row = 0; row < count; row += rowItems)
    for (let index = row + 1; index < row + rowItems; index++) items[index] = items[index]! + items[index - 1]!;
}

/**
 * A row holds the highest bytes of all its items, then the next lower ones and so on, each byte as the difference from
 * the previous one.
 */
function joinFloatPlanes(bytes: Uint8Array, itemBytes: number, rowItems: number): Uint8Array {
  const rowBytes = itemBytes * rowItems;
  const out = new Uint8Array(bytes.length);
  for (let row = 0; row < bytes.length; row += rowBytes) {
    let value = 0;
    for (let plane = itemBytes - 1, at = row; plane >= 0; plane--)
      for (let item = 0; item < rowItems; item++, at++) {
        value = (value + bytes[at]!) & 0xff;
        out[row + item * itemBytes + plane] = value;
      }
  }
  return out;
}
