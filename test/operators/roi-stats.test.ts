import { describe, expect, test } from 'vitest';
import type { Region } from '../../src/operators/region.js';
import { roiStats } from '../../src/operators/roi-stats.js';
import { runOperator } from '../../src/testing.js';
import { goldenFrame, goldenMask, SHAPE } from '../golden/lcg.js';
import { readGolden } from '../golden/read-golden.js';

const golden = readGolden<{ rois: Record<string, Region>; results: Record<string, Record<string, number>> }>('roi-stats');
const shape = [...SHAPE];

describe('roi-stats', () => {
  test('agrees with numpy and scipy on every statistic of every region, NaN left out', async () => {
    const bad = goldenMask(14);
    const data = Float64Array.from(goldenFrame(3), (value, pixel) => (bad[pixel] ? Number.NaN : value));
    data[3 * 80 + 5] = 17;
    const [result] = await runOperator(roiStats, { rois: golden.rois }, [{ data, shape }]);
    const columns = result!.meta.columns as string[];
    const rois = result!.meta.rois as string[];
    expect(rois).toEqual(Object.keys(golden.rois));
    expect(result!.shape).toEqual([columns.length, rois.length]);
    const values = result!.data as Float64Array;
    for (const [index, roi] of rois.entries()) {
      for (const [row, column] of columns.entries()) {
        expect(values[row * rois.length + index], `${roi} ${column}`).toBeCloseTo(golden.results[roi]![column]!, 8);
      }
    }
  });

  test('sigma of large values with a small spread keeps its digits', async () => {
    const data = Float64Array.of(1e9, 1e9 + 1, 1e9 + 2, 1e9 + 3);
    const [result] = await runOperator(roiStats, { rois: { a: { y: [0, 2], x: [0, 2] } } }, [{ data, shape: [2, 2] }]);
    expect((result!.data as Float64Array)[3]).toBeCloseTo(Math.sqrt(1.25), 12);
  });

  test('a region without a valid pixel has count and total 0 and NaN for the rest', async () => {
    const data = Float32Array.of(Number.NaN, Infinity);
    const [result] = await runOperator(roiStats, { rois: { a: { y: [0, 1], x: [0, 2] } } }, [{ data, shape: [1, 2] }]);
    const nan = Number.NaN;
    expect(Array.from(result!.data as Float64Array)).toEqual([nan, nan, nan, nan, 0, 0, nan, nan]);
  });

  test('an empty region and one that leaves the frame are refused by name', async () => {
    const frame = { data: new Uint8Array(6), shape: [2, 3] };
    const run = (roi: Region, options = {}) => runOperator(roiStats, { rois: { beam: roi } }, [frame], options);
    await expect(run({ y: [1, 1], x: [0, 2] })).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringContaining('beam'),
    });
    await expect(run({ y: [0, 2], x: [0, 4] })).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' });
    await expect(run({ y: [0, 3], x: [0, 2] }, { shape: undefined })).rejects.toMatchObject({ code: 'ERR_OPERATOR_INPUT' });
  });
});
