/**
 * Reverses the byte shuffle of HDF5 (filter 2) and Blosc: first bytes of all items, then second bytes. Trailing bytes
 * stay unchanged.
 */
export function byteUnshuffle(input: Uint8Array, itemBytes: number): Uint8Array {
  const output = new Uint8Array(input.length);
  const items = Math.floor(input.length / itemBytes);
  let read = 0;
  for (let byte = 0; byte < itemBytes; byte++)
    for (let item = 0, at = byte; item < items; item++, at += itemBytes) output[at] = input[read++]!;
  output.set(input.subarray(items * itemBytes), items * itemBytes);
  return output;
}
