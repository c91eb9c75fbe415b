import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { writeNpy } from '../../src/codecs/npy.js';
import type { DType, TypedArray } from '../../src/frame/dtype.js';
import { accumulate } from '../../src/operators/accumulate.js';
import { correctFlat } from '../../src/operators/correct-flat.js';
import { mask } from '../../src/operators/mask.js';
import type { OperatorDefinition } from '../../src/operators/operator.js';
import { rebin } from '../../src/operators/rebin.js';
import { OPERATORS } from '../../src/operators/registry.js';
import { roiStats } from '../../src/operators/roi-stats.js';
import { subtractDark } from '../../src/operators/subtract-dark.js';
import { threshold } from '../../src/operators/threshold.js';
import { toImage } from '../../src/operators/to-image.js';
import { veto } from '../../src/operators/veto.js';
import { runOperator } from '../../src/testing.js';

const folder = mkdtempSync(join(tmpdir(), 'no-data-'));
afterAll(() => rmSync(folder, { recursive: true }));
const shape = [2, 4];
const NaNs = Number.NaN;
const numbers = (data: ArrayLike<number | bigint>): number[] => Array.from(data, Number);

// The counts 1..8 with two pixels without data, as each integer type says it.
const COUNTS = [1, 2, 3, NaNs, 5, 6, NaNs, 8];
const FRAMES: Readonly<Partial<Record<DType, TypedArray>>> = {
  uint8: Uint8Array.from(COUNTS, (value) => (value > 0 ? value : 255)),
  int8: Int8Array.from(COUNTS, (value) => (value > 0 ? value : -1)),
  uint16: Uint16Array.from(COUNTS, (value) => (value > 0 ? value : 65535)),
  int16: Int16Array.from(COUNTS, (value) => (value > 0 ? value : -2)),
  uint32: Uint32Array.from(COUNTS, (value) => (value > 0 ? value : 2 ** 32 - 1)),
  int32: Int32Array.from(COUNTS, (value) => (value > 0 ? value : -1)),
  uint64: BigUint64Array.from(COUNTS, (value) => (value > 0 ? BigInt(value) : 2n ** 64n - 1n)),
  int64: BigInt64Array.from(COUNTS, (value) => (value > 0 ? BigInt(value) : -1n)),
};
const TYPES = Object.keys(FRAMES) as DType[];
const run = async <P>(operator: OperatorDefinition<P>, params: P, data: TypedArray) =>
  (await runOperator(operator, params, [{ data, shape }], { baseDir: folder }))[0];

describe.each(TYPES)('pixels without data in a frame of %s', (dtype) => {
  const data = FRAMES[dtype]!;

  test('mask makes them NaN', async () => {
    expect(numbers((await run(mask, { above: 7 }, data))!.data)).toEqual([1, 2, 3, NaNs, 5, 6, NaNs, NaNs]);
    expect(numbers((await run(mask, { noData: true }, data))!.data)).toEqual(COUNTS);
  });

  test('subtract-dark and correct-flat make them NaN', async () => {
    writeFileSync(join(folder, 'two.npy'), writeNpy({ dtype: 'float32', shape, data: new Float32Array(8).fill(2) }));
    expect(numbers((await run(subtractDark, { file: 'two.npy' }, data))!.data)).toEqual(COUNTS.map((value) => value - 2));
    expect(numbers((await run(correctFlat, { file: 'two.npy' }, data))!.data)).toEqual(COUNTS.map((value) => value / 2));
  });

  test('accumulate gives NaN for them', async () => {
    for (const params of [{}, { frames: 2 }]) {
      const [result] = await runOperator(accumulate, params, [
        { data, shape },
        { data: Float64Array.from(COUNTS, (value) => value + 2), shape },
      ]);
      expect(numbers(result!.data)).toEqual([...COUNTS.map((value) => value + 1), ...COUNTS.map((value) => (value > 0 ? 2 : NaNs))]);
    }
  });

  test('roi-stats and veto leave them out', async () => {
    const result = await run(roiStats, { rois: { all: { y: [0, 2], x: [0, 4] } } }, data);
    // min, max, mean, and of the rest total and count.
    expect(numbers(result!.data).slice(0, 3)).toEqual([1, 8, 25 / 6]);
    expect(numbers(result!.data).slice(4, 6)).toEqual([25, 6]);
    expect(await run(veto, { min: 25, max: 25 }, data)).toBeDefined();
    expect(await run(veto, { statistic: 'count', level: 4, min: 3, max: 3 }, data)).toBeDefined();
  });

  test('rebin makes a block with one of them a block without data', async () => {
    const result = await run(rebin, { factor: [2, 1] }, data);
    const missing = result!.dtype === 'uint32' ? 2 ** 32 - 1 : result!.dtype === 'int32' ? -1 : NaNs;
    expect(numbers(result!.data)).toEqual([6, 8, missing, missing]);
  });

  test('to-image makes them black, and takes the ends of its colours from the others', async () => {
    const result = await run(toImage, { percentiles: [0, 100] }, data);
    expect(result!.meta.range).toEqual([1, 8]);
    const black = COUNTS.map((_, pixel) => numbers(result!.data.slice(pixel * 3, pixel * 3 + 3)).every((value) => value === 0));
    expect(black).toEqual(COUNTS.map((value) => Number.isNaN(value)));
  });

  test('threshold compares them like other values', async () => {
    const result = await run(threshold, { below: 0, above: 100, put: 9 }, data);
    expect(result!.dtype).toBe(dtype);
    expect(numbers(result!.data)).toEqual(COUNTS.map((value) => (value > 0 ? value : 9)));
  });

  test('noData: false takes them as values', async () => {
    const value = Number(data[3]);
    if (value > 2 ** 53) {
      await expect(run(mask, { above: 100, noData: false }, data)).rejects.toThrow('18446744073709551615 at [0, 3]');
      return;
    }
    const result = await run(roiStats, { rois: { all: { y: [0, 2], x: [0, 4] } }, noData: false }, data);
    expect(numbers(result!.data)[4]).toBe(25 + 2 * value);
    expect(numbers((await run(mask, { above: Infinity, noData: false }, data))!.data)[3]).toBe(Math.fround(value));
    expect(numbers((await run(rebin, { factor: [2, 4], noData: false }, data))!.data)).toEqual([25 + 2 * value]);
  });
});

describe('integers of 64 bits', () => {
  const edge = 2n ** 53n;

  test('are exact up to ±2^53', async () => {
    const data = BigInt64Array.of(edge, -edge, edge - 1n, 1n - edge, 0n, 1n, -1n, 4294967296n);
    const result = await run(rebin, { factor: 1, noData: false }, data);
    expect(result!.dtype).toBe('float64');
    expect(Array.from(result!.data as Float64Array, BigInt)).toEqual([...data]);
  });

  test.each([
    ['int64', BigInt64Array.of(0n, 0n, 0n, 0n, 0n, edge + 1n, 0n, 0n), '9007199254740993 at [1, 1]'],
    ['int64', BigInt64Array.of(-edge - 1n, 0n, 0n, 0n, 0n, 0n, 0n, 0n), '-9007199254740993 at [0, 0]'],
    ['uint64', BigUint64Array.of(0n, 0n, 0n, 0n, 0n, 0n, 0n, 2n ** 64n - 2n), '18446744073709551614 at [1, 3]'],
  ] as [DType, TypedArray, string][])('are refused with the number and its place beyond that: %s', async (_dtype, data, words) => {
    for (const [operator, params] of [
      [rebin, { factor: 1 }],
      [toImage, {}],
      [veto, { min: 0 }],
      [accumulate, {}],
      [mask, { above: 1 }],
      [roiStats, { rois: { all: { y: [0, 2], x: [0, 4] } } }],
    ] as [OperatorDefinition, Record<string, unknown>][])
      await expect(run(operator, { ...params, noData: words.startsWith('1') }, data), operator.type).rejects.toMatchObject({
        code: 'ERR_OPERATOR_INPUT',
        message: expect.stringContaining(words),
      });
  });

  test('threshold keeps each bit of what stays, and writes what is put', async () => {
    const data = BigUint64Array.of(2n ** 64n - 2n, edge + 1n, 3n, 4n, 0n, 7n, 2n ** 32n, 2n ** 63n);
    const low = await run(threshold, { below: 4, put: 2 ** 40 + 5 }, data);
    expect([...(low!.data as BigUint64Array)]).toEqual([...data].map((value) => (value < 4n ? 2n ** 40n + 5n : value)));
    const signed = BigInt64Array.of(-(2n ** 62n), -5n, 5n, 2n ** 62n, 0n, -1n, 1n, 9n);
    const high = await run(threshold, { above: 6, put: -(2 ** 33) - 1 }, signed);
    expect([...(high!.data as BigInt64Array)]).toEqual([...signed].map((value) => (value > 6n ? -(2n ** 33n) - 1n : value)));
    await expect(run(threshold, { below: 2 ** 60 }, data)).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' });
    await expect(run(threshold, { below: 4, put: -1 }, data)).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' });
  });
});

test('an operator refuses at plan time frames that are known to hold no numbers', async () => {
  writeFileSync(join(folder, 'one.npy'), writeNpy({ dtype: 'float32', shape: [1, 1], data: new Float32Array(1) }));
  const params: Record<string, Record<string, unknown>> = {
    accumulate: {},
    'correct-flat': { file: 'one.npy' },
    'integrate-azimuthal': { geometry: { pixel1: 1, pixel2: 1, distance: 1, poni1: 0, poni2: 0, wavelength: 1 } },
    mask: { below: 0 },
    rebin: { factor: 2 },
    'roi-stats': { rois: { a: { y: [0, 1], x: [0, 1] } } },
    'subtract-dark': { file: 'one.npy' },
    threshold: { below: 0 },
    'to-image': {},
    veto: { min: 0 },
  };
  for (const [type, definition] of OPERATORS) {
    if (type === 'join') continue;
    const context = { baseDir: folder, shape: undefined, dtype: 'bytes' as const, maxInputBytes: 1024, folded: [] };
    await expect(async () => definition.prepare!(params[type], context), type).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringContaining('dtype bytes'),
    });
  }
});
