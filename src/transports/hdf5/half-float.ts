/** 16-bit floats of IEEE 754, little-endian, as 32-bit floats; every value is exact. */
export function halfToSingle(halves: Uint8Array): Uint8Array {
  const view = new DataView(halves.buffer, halves.byteOffset, halves.byteLength);
  const singles = new Float32Array(halves.length / 2);
  for (let index = 0; index < singles.length; index++) {
    const bits = view.getUint16(2 * index, true);
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) singles[index] = fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    else if (exponent === 0) singles[index] = sign * fraction * 2 ** -24;
    else singles[index] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return new Uint8Array(singles.buffer);
}
