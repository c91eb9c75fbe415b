import { describe, expect, test } from 'vitest';
import { dtypeCode } from '../../src/frame/dtype.js';
import { createPercentile, PERCENTILE_SCRATCH_BYTES } from '../../src/kernels/scalar/percentile.js';
import { toImage } from '../../src/operators/to-image.js';
import { runOperator } from '../../src/testing.js';
import { goldenFrame } from '../golden/lcg.js';
import { readGolden } from '../golden/read-golden.js';

/** matplotlib's viridis at 0, 1/4, 1/2, 3/4 and 1. */
const ANCHORS = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
];

function distances(data: ArrayLike<number>, anchors: readonly number[][]): number[] {
  return anchors.map((anchor, pixel) => Math.max(...anchor.map((level, channel) => Math.abs(data[pixel * 3 + channel]! - level))));
}

describe('to-image', () => {
  test.each([
    ['linear', [0, 25, 50, 75, 100]],
    ['sqrt', [0, 6.25, 25, 56.25, 100]],
    ['log', [0, 101 ** 0.25 - 1, 101 ** 0.5 - 1, 101 ** 0.75 - 1, 100]],
  ] as const)('on a %s scale the quarters of the range have the colours of viridis', async (scale, values) => {
    const data = Float64Array.from(values, (value) => value + 10);
    const [result] = await runOperator(toImage, { scale, min: 10, max: 110 }, [{ data, shape: [1, 5] }]);
    expect(result).toMatchObject({ shape: [1, 5, 3], dtype: 'uint8', meta: { range: [10, 110] } });
    // The polynomial follows the map to three hundredths.
    for (const distance of distances(result!.data as Uint8Array, ANCHORS)) expect(distance).toBeLessThanOrEqual(8);
  });

  test('values beyond the range take its end colours, and what is not finite is black', async () => {
    const data = Float32Array.of(-5, 500, Number.NaN, Infinity);
    const [result] = await runOperator(toImage, { min: 0, max: 100, scale: 'log' }, [{ data, shape: [2, 2] }]);
    expect(Math.max(...distances(result!.data as Uint8Array, [ANCHORS[0]!, ANCHORS[4]!]))).toBeLessThanOrEqual(8);
    expect(Array.from((result!.data as Uint8Array).slice(6))).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test('without limits the percentiles of the frame are the range', async () => {
    const data = Uint16Array.from({ length: 101 }, (_, n) => 100 - n);
    const [result] = await runOperator(toImage, { percentiles: [10, 90] }, [{ data, shape: [1, 101] }]);
    expect(result!.meta.range).toEqual([10, 90]);
  });

  test('frames of one value and frames of NaN become pictures too', async () => {
    const flat = await runOperator(toImage, {}, [{ data: new Uint16Array(4).fill(9), shape: [2, 2] }]);
    expect(Math.max(...distances(flat[0]!.data as Uint8Array, [ANCHORS[0]!]))).toBeLessThanOrEqual(8);
    const empty = await runOperator(toImage, {}, [{ data: new Float32Array(4).fill(Number.NaN), shape: [2, 2] }]);
    expect(Array.from(empty[0]!.data as Uint8Array)).toEqual(new Array(12).fill(0));
    expect(empty[0]!.meta.range).toBeNull();
  });

  test('ranges that are empty are refused', async () => {
    await expect(runOperator(toImage, { min: 3, max: 3 }, [])).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' });
    await expect(runOperator(toImage, { percentiles: [50, 50] }, [])).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' });
  });
});

describe('the percentile kernel', () => {
  test('picks the values that numpy picks, negative ones included', () => {
    const golden = readGolden<{ percent: number[]; values: number[] }>('percentile');
    const memory = new WebAssembly.Memory({ initial: 8, maximum: 8, shared: true });
    const data = Float32Array.from(goldenFrame(4), (value) => Math.fround(value / 7) - 30);
    const source = Math.ceil(PERCENTILE_SCRATCH_BYTES / 64) * 64 + 64;
    new Float32Array(memory.buffer, source, data.length).set(data);
    const percentile = createPercentile(memory);
    for (const [index, percent] of golden.percent.entries()) {
      const value = percentile(dtypeCode('float32'), source, data.length, percent / 100, -Number.MAX_VALUE, Number.MAX_VALUE, 64);
      expect(value / golden.values[index]!).toBeCloseTo(1, 9);
    }
  });
});
