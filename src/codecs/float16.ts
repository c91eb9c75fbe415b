/** Converts the bits of IEEE 754 binary16 to float32, exactly. `target` is as long as `halves`. */
export function widenFloat16(halves: Uint16Array, target: Float32Array): void {
  const bits = new Uint32Array(target.buffer, target.byteOffset, target.length);
  for (let index = 0; index < halves.length; index++) {
    const half = halves[index]!;
    const sign = (half & 0x8000) << 16;
    const exponent = (half >>> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) {
      // Zero, or a fraction of 2^-24.
      target[index] = (sign === 0 ? fraction : -fraction) * 2 ** -24;
    } else {
      bits[index] = sign | ((exponent === 0x1f ? 0xff : exponent + 112) << 23) | (fraction << 13);
    }
  }
}
