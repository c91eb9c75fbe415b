/**
 * Reverses the bit transposition of bitshuffle for `items` items (a multiple of 8) of `itemBytes` bytes. Row r = 8*j +
 * b of the input holds bit b of byte j of all items, item i in bit i % 8 of byte i >> 3 of the row. Definition: Masui
 * et al. 2015, "A compression scheme for radio data in high performance computing".
 */
export function bitUntranspose(input: Uint8Array, output: Uint8Array, items: number, itemBytes: number): void {
  const rowBytes = items >> 3;
  for (let byte = 0; byte < itemBytes; byte++) {
    const row = byte * 8 * rowBytes;
    for (let group = 0; group < rowBytes; group++) {
      // Eight bytes, one of each row, are an 8 by 8 matrix of bits in two words, which is transposed.
      const at = row + group;
      let low = input[at]! | (input[at + rowBytes]! << 8) | (input[at + 2 * rowBytes]! << 16) | (input[at + 3 * rowBytes]! << 24);
      let high =
        input[at + 4 * rowBytes]! |
        (input[at + 5 * rowBytes]! << 8) |
        (input[at + 6 * rowBytes]! << 16) |
        (input[at + 7 * rowBytes]! << 24);
      let target = group * 8 * itemBytes + byte;
      if ((low | high) === 0) {
        for (let item = 0; item < 8; item++, target += itemBytes) output[target] = 0;
        continue;
      }
      let swap = (low ^ (low >>> 7)) & 0x00aa00aa;
      low ^= swap ^ (swap << 7);
      swap = (high ^ (high >>> 7)) & 0x00aa00aa;
      high ^= swap ^ (swap << 7);
      swap = (low ^ (low >>> 14)) & 0x0000cccc;
      low ^= swap ^ (swap << 14);
      swap = (high ^ (high >>> 14)) & 0x0000cccc;
      high ^= swap ^ (swap << 14);
      const even = (low & 0x0f0f0f0f) | ((high & 0x0f0f0f0f) << 4);
      const odd = ((low >>> 4) & 0x0f0f0f0f) | (high & 0xf0f0f0f0);
      output[target] = even;
      output[target + itemBytes] = even >>> 8;
      output[target + 2 * itemBytes] = even >>> 16;
      output[target + 3 * itemBytes] = even >>> 24;
      output[target + 4 * itemBytes] = odd;
      output[target + 5 * itemBytes] = odd >>> 8;
      output[target + 6 * itemBytes] = odd >>> 16;
      output[target + 7 * itemBytes] = odd >>> 24;
    }
  }
}
