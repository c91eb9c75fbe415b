import { describe, expect, test } from 'vitest';
import type { TypedArray } from '../../src/frame/dtype.js';
import { rebin } from '../../src/operators/rebin.js';
import { runOperator } from '../../src/testing.js';
import { goldenFrame, SHAPE } from '../golden/lcg.js';
import { largestDeviation, readGolden } from '../golden/read-golden.js';

interface Case {
  dtype: 'uint16' | 'int32' | 'float64';
  factor: [number, number];
  shape: number[];
  head: number[];
  total: number;
}

const { cases } = readGolden<{ cases: Case[] }>('rebin');

function source(dtype: Case['dtype']): TypedArray {
  const frame = goldenFrame(2);
  if (dtype === 'uint16') return frame;
  return dtype === 'float64' ? Float64Array.from(frame) : Int32Array.from(frame, (value) => value * 4_000_000 - 2_000_000_000);
}

describe('rebin', () => {
  test.each(cases)('sums blocks of $factor of $dtype exactly as numpy does', async ({ dtype, factor, shape, head, total }) => {
    // The int32 frame has real negative values, and numpy knows no value that means no data.
    const [result] = await runOperator(rebin, { factor, noData: false }, [{ data: source(dtype), shape: [...SHAPE] }]);
    expect(result!.dtype).toBe({ uint16: 'uint32', int32: 'float64', float64: 'float64' }[dtype]);
    expect(result!.shape).toEqual(shape);
    const sums = Array.from(result!.data as Float64Array);
    // Twelve digits are stored.
    expect(largestDeviation(sums.slice(0, 200), head)).toBeLessThan(1e-11);
    expect(sums.reduce((sum, value) => sum + value, 0)).toBe(total);
  });

  test('the largest sum of 16-bit values fits', async () => {
    for (const [noData, value] of [
      [false, 65535],
      [true, 65534],
    ] as const) {
      const data = new Uint16Array(65536).fill(value);
      const [result] = await runOperator(rebin, { factor: 256, noData }, [{ data, shape: [256, 256] }]);
      expect(Array.from(result!.data as Uint32Array)).toEqual([value * 65536]);
    }
  });

  test('NaN makes its block NaN and no other', async () => {
    const data = Float32Array.of(1, Number.NaN, 3, 4);
    const [result] = await runOperator(rebin, { factor: [1, 2] }, [{ data, shape: [1, 4] }]);
    expect(Array.from(result!.data as Float32Array)).toEqual([Number.NaN, 7]);
  });

  test('a frame without a whole block, or that is no image, is refused', async () => {
    const small = { data: new Uint8Array(6), shape: [2, 3] };
    await expect(runOperator(rebin, { factor: 3 }, [small])).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' });
    await expect(runOperator(rebin, { factor: 3 }, [small], { shape: undefined })).rejects.toMatchObject({ code: 'ERR_OPERATOR_INPUT' });
    await expect(runOperator(rebin, { factor: 1 }, [{ data: new Uint8Array(6) }], { shape: undefined })).rejects.toMatchObject({
      code: 'ERR_OPERATOR_INPUT',
    });
    await expect(runOperator(rebin, { factor: 257 }, [])).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' });
  });
});
