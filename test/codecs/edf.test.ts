import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readEdf } from '../../src/codecs/edf.js';

// Written by fabio: test/golden/make-goldens.py, function `tables`.
const written = (name: string): Uint8Array => readFileSync(new URL(`../golden/tables/${name}`, import.meta.url));
const MASK = Array.from({ length: 20 }, (_, pixel) => (pixel % 3 === 0 ? 1 : 0));

/** An EDF file of these entries, whose header is filled up to 512 bytes, as the format asks. */
function edf(entries: Record<string, string | number>, items: Uint8Array): Uint8Array {
  const lines = Object.entries(entries).map(([key, value]) => `${key} = ${value} ;\n`);
  return Buffer.concat([Buffer.from(`{\n${lines.join('')}`.padEnd(510)), Buffer.from('}\n'), items]);
}
const SHORTS = { DataType: 'UnsignedShort', Dim_1: 3, Dim_2: 2 };
const items = (bytes = 12): Uint8Array => Uint8Array.from({ length: bytes }, (_, index) => index);

describe('EDF', () => {
  test('reads what fabio writes: integers with and without a sign, and floats', () => {
    expect(readEdf(written('mask.edf'))).toEqual({ dtype: 'uint8', shape: [4, 5], data: Uint8Array.from(MASK) });
    expect(readEdf(written('int32.edf'))).toEqual({ dtype: 'int32', shape: [4, 5], data: Int32Array.from(MASK, (bit) => bit * -7) });
    expect(readEdf(written('float64.edf'))).toEqual({ dtype: 'float64', shape: [4, 5], data: Float64Array.from(MASK, (bit) => bit / 3) });
  });

  test('Dim_1 is the fast side, and ByteOrder is heard', () => {
    const little = readEdf(edf({ ...SHORTS, ByteOrder: 'LowByteFirst' }, items()));
    expect(little).toEqual({ dtype: 'uint16', shape: [2, 3], data: Uint16Array.of(0x100, 0x302, 0x504, 0x706, 0x908, 0xb0a) });
    const big = readEdf(edf({ ...SHORTS, ByteOrder: 'HighByteFirst' }, items()));
    expect([...big.data]).toEqual([0x1, 0x203, 0x405, 0x607, 0x809, 0xa0b]);
  });

  test.each([
    ['no type', edf({ Dim_1: 3, Dim_2: 2 }, items()), 'DataType'],
    ['an unknown type', edf({ ...SHORTS, DataType: 'constructor' }, items()), 'constructor'],
    ['an unknown order', edf({ ...SHORTS, ByteOrder: 'Mixed' }, items()), 'mixed'],
    ['compression', edf({ ...SHORTS, Compression: 'GZIP' }, items()), 'gzip'],
    ['no sides', edf({ DataType: 'UnsignedByte' }, items()), 'Dim_1'],
    ['a side in words', edf({ ...SHORTS, Dim_1: 'three' }, items()), 'Dim_1'],
    ['a negative side', edf({ ...SHORTS, Dim_1: -3 }, items()), 'Dim_1'],
    [
      'a shape larger than any memory',
      edf({ ...SHORTS, Dim_1: 2_000_000_000, Dim_2: 2_000_000_000, Dim_3: 2_000_000_000 }, items()),
      'memory',
    ],
    ['fewer items than announced', edf(SHORTS, items(11)), '12 bytes'],
    ['a second image', Buffer.concat([edf(SHORTS, items()), edf(SHORTS, items())]), 'several images'],
    ['a header without an end', Buffer.from('{\nDim_1 = 3 ;'), 'does not end'],
    ['something else', Buffer.from('P5 3 2 255'), 'header in braces'],
  ])('refuses %s', (_what, bytes, word) => {
    expect(() => readEdf(bytes)).toThrow(expect.objectContaining({ code: 'ERR_FORMAT', message: expect.stringContaining(word) }));
  });

  test('refuses every shortened file', () => {
    const whole = written('mask.edf');
    for (let length = 0; length < whole.length; length += 7)
      expect(() => readEdf(whole.subarray(0, length))).toThrow(expect.objectContaining({ code: 'ERR_FORMAT' }));
  });
});
