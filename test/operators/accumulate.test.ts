import { describe, expect, test } from 'vitest';
import { accumulate } from '../../src/operators/accumulate.js';
import { runOperator } from '../../src/testing.js';
import { goldenFrame } from '../golden/lcg.js';
import { largestDeviation, readGolden } from '../golden/read-golden.js';

const golden = readGolden<{
  seeds: number[];
  offset: number;
  mean: number[];
  variance: number[];
  shiftedVariance: number[];
  mean3: number[];
  variance3: number[];
}>('accumulate');
const shape = [8, 10];
const frames = golden.seeds.map((seed) => ({ data: goldenFrame(seed, 80), shape }));

describe('accumulate', () => {
  test('mean and variance of all frames agree with numpy', async () => {
    const results = await runOperator(accumulate, { frames: 7 }, frames);
    expect(results).toHaveLength(1);
    const [result] = results;
    expect(result).toMatchObject({ shape: [2, 8, 10], dtype: 'float64', ordinal: 6, meta: { columns: ['mean', 'variance'], frames: 7 } });
    const values = result!.data as Float64Array;
    expect(largestDeviation(values.slice(0, 80), golden.mean)).toBeLessThan(1e-11);
    expect(largestDeviation(values.slice(80), golden.variance)).toBeLessThan(1e-11);
  });

  test('without frames, one result of all of them agrees with numpy', async () => {
    const results = await runOperator(accumulate, {}, frames);
    expect(results).toHaveLength(1);
    expect(results[0]).toMatchObject({ shape: [2, 8, 10], dtype: 'float64', meta: { columns: ['mean', 'variance'], frames: 7 } });
    const values = results[0]!.data as Float64Array;
    expect(largestDeviation(values.slice(0, 80), golden.mean)).toBeLessThan(1e-11);
    expect(largestDeviation(values.slice(80), golden.variance)).toBeLessThan(1e-11);
  });

  test('a large offset costs the variance no digits that the input has', async () => {
    // Means near 1e9 are rounded to 1e-7; the difference of two sums of squares would be off by hundreds.
    const shifted = frames.map(({ data }) => ({ data: Float64Array.from(data, (value) => value + golden.offset), shape }));
    const [result] = await runOperator(accumulate, { frames: 7 }, shifted);
    expect(largestDeviation((result!.data as Float64Array).slice(80), golden.shiftedVariance)).toBeLessThan(1e-7);
  });

  test('every Nth frame ends a block, the next starts anew, and what is left over is not emitted', async () => {
    const results = await runOperator(accumulate, { frames: 3 }, frames);
    expect(results.map(({ ordinal }) => ordinal)).toEqual([2, 5]);
    const values = results[1]!.data as Float64Array;
    expect(largestDeviation(values.slice(0, 80), golden.mean3)).toBeLessThan(1e-11);
    expect(largestDeviation(values.slice(80), golden.variance3)).toBeLessThan(1e-11);
  });

  test('a pixel that is NaN once is NaN in mean and variance of its block only', async () => {
    const rows = [
      [Number.NaN, 1],
      [1, 3],
      [5, 5],
      [7, 9],
    ];
    const results = await runOperator(
      accumulate,
      { frames: 2 },
      rows.map((row) => ({ data: Float32Array.from(row) })),
    );
    expect(Array.from(results[0]!.data as Float64Array)).toEqual([Number.NaN, 2, Number.NaN, 2]);
    expect(Array.from(results[1]!.data as Float64Array)).toEqual([6, 7, 2, 8]);
  });

  test('the variance of one frame is NaN', async () => {
    const [result] = await runOperator(accumulate, { frames: 1 }, [{ data: Uint8Array.of(4) }]);
    expect(Array.from(result!.data as Float64Array)).toEqual([4, Number.NaN]);
  });

  test('an unknown shape is refused with the way to give it, and a frame of another shape with the values', async () => {
    await expect(runOperator(accumulate, { frames: 2 }, [], { shape: undefined })).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringContaining('shape: [height, width]'),
    });
    const run = runOperator(accumulate, { frames: 2, shape }, [{ data: new Uint8Array(4), shape: [2, 2] }], { shape: undefined });
    await expect(run).rejects.toMatchObject({ code: 'ERR_OPERATOR_INPUT', message: expect.stringContaining('2×2') });
  });
});
