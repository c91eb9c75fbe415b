import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeNpy } from '../../src/codecs/npy.js';
import type { DType, TypedArray } from '../../src/frame/dtype.js';
import { correctFlat } from '../../src/operators/correct-flat.js';
import type { IntegrateAzimuthalParams } from '../../src/operators/integrate-azimuthal.js';
import { integrateAzimuthal } from '../../src/operators/integrate-azimuthal.js';
import type { FoldedOperator } from '../../src/operators/operator.js';
import { runOperator } from '../../src/testing.js';
import { goldenDark, goldenFlat, goldenFrame, goldenMask, SHAPE } from '../golden/lcg.js';
import { largestDeviation, readGolden } from '../golden/read-golden.js';

interface Case {
  name: string;
  geometry: Exclude<IntegrateAzimuthalParams['geometry'], string>;
  params: Omit<IntegrateAzimuthalParams, 'geometry'>;
  parts: { mask?: number; dark?: number; flat?: number };
  limits: { below?: number; above?: number };
  radial: number[];
  intensity: number[];
  sigma: number[];
}

const { cases } = readGolden<{ cases: Case[] }>('integrate-azimuthal');
const first = cases[0]!;
const shape = [...SHAPE];
let baseDir = '';

beforeAll(async () => {
  baseDir = await mkdtemp(join(tmpdir(), 'millrace-integrate-'));
  await writeFile(join(baseDir, 'mask.npy'), writeNpy({ dtype: 'uint8', shape, data: goldenMask(11) }));
  await writeFile(join(baseDir, 'dark.npy.gz'), gzipSync(writeNpy({ dtype: 'float32', shape, data: goldenDark(12) })));
  await writeFile(join(baseDir, 'flat.npy'), writeNpy({ dtype: 'float32', shape, data: goldenFlat(13) }));
});
afterAll(() => rm(baseDir, { recursive: true }));

function foldedOf({ parts, limits }: Pick<Case, 'parts' | 'limits'>): FoldedOperator[] {
  const folded: FoldedOperator[] = [];
  if (parts.mask !== undefined || Object.keys(limits).length > 0) folded.push({ type: 'mask', params: { file: 'mask.npy', ...limits } });
  if (parts.dark !== undefined) folded.push({ type: 'subtract-dark', params: { file: 'dark.npy.gz' } });
  if (parts.flat !== undefined) folded.push({ type: 'correct-flat', params: { file: 'flat.npy' } });
  return folded;
}

async function profileOf(golden: Case, data: TypedArray): Promise<[Float64Array, Float64Array, Float64Array]> {
  const params = { geometry: golden.geometry, ...golden.params };
  const [result] = await runOperator(integrateAzimuthal, params, [{ data, shape }], { baseDir, folded: foldedOf(golden) });
  const bins = golden.radial.length;
  expect(result!.shape).toEqual([3, bins]);
  expect(result!.meta.columns).toEqual([golden.params.unit, 'intensity', 'sigma']);
  const values = result!.data as Float64Array;
  return [values.slice(0, bins), values.slice(bins, 2 * bins), values.slice(2 * bins)];
}

describe('integrate-azimuthal', () => {
  test.each(cases)('agrees with pyFAI in every bin: $name', async (golden) => {
    const [radial, intensity, sigma] = await profileOf(golden, goldenFrame(1));
    expect(largestDeviation(radial, golden.radial)).toBeLessThan(1e-9);
    expect(largestDeviation(intensity, golden.intensity)).toBeLessThan(1e-6);
    expect(largestDeviation(sigma, golden.sigma)).toBeLessThan(1e-6);
  });

  test.each(['int16', 'uint16', 'int32', 'uint32', 'float32', 'float64'] as DType[])(
    'gives the same profile for %s frames',
    async (dtype) => {
      const golden = cases.find(({ name }) => name === 'limits')!;
      const source = goldenFrame(1);
      const arrays: Partial<Record<DType, TypedArray>> = {
        int16: Int16Array.from(source),
        uint16: source,
        int32: Int32Array.from(source),
        uint32: Uint32Array.from(source),
        float32: Float32Array.from(source),
        float64: Float64Array.from(source),
      };
      const [, intensity, sigma] = await profileOf(golden, arrays[dtype]!);
      expect(largestDeviation(intensity, golden.intensity)).toBeLessThan(1e-6);
      expect(largestDeviation(sigma, golden.sigma)).toBeLessThan(1e-6);
    },
  );

  test('leaves out NaN and infinities as if they were masked', async () => {
    const golden = cases.find(({ name }) => name === 'mask')!;
    const bad = goldenMask(11);
    const data = Float32Array.from(goldenFrame(1), (value, pixel) => (bad[pixel] ? [Number.NaN, Infinity, -Infinity][pixel % 3]! : value));
    const [, intensity, sigma] = await profileOf({ ...golden, parts: {} }, data);
    expect(largestDeviation(intensity, golden.intensity)).toBeLessThan(1e-6);
    expect(largestDeviation(sigma, golden.sigma)).toBeLessThan(1e-6);
  });

  test('two masks are their union, two darks their sum, two flats their product', async () => {
    const golden = cases.find(({ name }) => name === 'mask, dark and flat with polarisation')!;
    const write = (name: string, data: Float32Array | Uint8Array) =>
      writeFile(join(baseDir, name), writeNpy({ dtype: data instanceof Uint8Array ? 'uint8' : 'float32', shape, data }));
    await write(
      'even.npy',
      goldenMask(11).map((bad, pixel) => (pixel % 2 ? 0 : bad)),
    );
    await write(
      'odd.npy',
      goldenMask(11).map((bad, pixel) => (pixel % 2 ? bad * 2 : 0)),
    );
    await write(
      'quarter.npy',
      goldenDark(12).map((value) => value / 4),
    );
    await write(
      'rest.npy',
      goldenDark(12).map((value) => value * 0.75),
    );
    await write(
      'twice.npy',
      goldenFlat(13).map((value) => value * 2),
    );
    await write('half.npy', new Float32Array(64 * 80).fill(0.5));
    const folded = ['mask even', 'subtract-dark quarter', 'mask odd', 'subtract-dark rest', 'correct-flat twice', 'correct-flat half'].map(
      (step) => {
        const [type, name] = step.split(' ');
        return { type: type!, params: { file: `${name}.npy` } };
      },
    );
    const params = { geometry: golden.geometry, ...golden.params };
    const [result] = await runOperator(integrateAzimuthal, params, [{ data: goldenFrame(1), shape }], { baseDir, folded });
    expect(largestDeviation(result!.data.slice(80, 160) as Float64Array, golden.intensity)).toBeLessThan(1e-6);
    expect(largestDeviation(result!.data.slice(160) as Float64Array, golden.sigma)).toBeLessThan(1e-6);
  });

  test('a constant frame without corrections is that constant in every bin that has pixels, and `empty` elsewhere', async () => {
    const params: IntegrateAzimuthalParams = { geometry: first.geometry, bins: 400, solidAngle: false, empty: 'nan' };
    const [result] = await runOperator(integrateAzimuthal, params, [{ data: new Uint8Array(64 * 80).fill(7), shape }]);
    const intensity = Array.from(result!.data.slice(400, 800) as Float64Array);
    expect(intensity.filter((value) => value === 7).length).toBeGreaterThan(300);
    expect(intensity.some(Number.isNaN)).toBe(true);
    expect(intensity.every((value) => value === 7 || Number.isNaN(value))).toBe(true);
  });

  test('the result of a frame does not depend on the frame before it', async () => {
    const params = { geometry: first.geometry, ...first.params };
    const other = new Uint16Array(64 * 80).fill(60000);
    const results = await runOperator(integrateAzimuthal, params, [
      { data: other, shape },
      { data: goldenFrame(1), shape },
    ]);
    expect(largestDeviation(results[1]!.data.slice(100, 200) as Float64Array, first.intensity)).toBeLessThan(1e-6);
  });

  test('says how to give the shape when nothing tells it', async () => {
    const run = runOperator(integrateAzimuthal, { geometry: first.geometry }, [], { shape: undefined });
    await expect(run).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringContaining('give shape: [height, width]'),
    });
  });

  test('refuses a frame of another shape and one without numbers', async () => {
    const params = { geometry: first.geometry };
    const wrongShape = runOperator(integrateAzimuthal, params, [{ data: new Uint8Array(100), shape: [10, 10] }], { shape });
    await expect(wrongShape).rejects.toMatchObject({ code: 'ERR_OPERATOR_INPUT', message: expect.stringContaining('10×10') });
    const wrongType = runOperator(integrateAzimuthal, params, [{ data: new Uint8Array(64 * 80), dtype: 'bytes', shape }], {
      dtype: undefined,
    });
    await expect(wrongType).rejects.toMatchObject({ code: 'ERR_OPERATOR_INPUT', message: expect.stringContaining('bytes') });
  });

  test('refuses a mask of another shape, a missing geometry, a missing wavelength and a misplaced limit', async () => {
    const run = (params: IntegrateAzimuthalParams, folded: FoldedOperator[] = [], given: readonly number[] = shape) =>
      runOperator(integrateAzimuthal, params, [], { baseDir, folded, shape: given });
    const { geometry } = first;
    await expect(run({ geometry }, [{ type: 'mask', params: { file: 'mask.npy' } }], [64, 81])).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
    });
    await expect(run({ geometry: 'absent.poni' })).rejects.toMatchObject({ code: 'ERR_CONFIG_FILE' });
    await expect(run({ geometry: { ...geometry, wavelength: undefined } })).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' });
    const late = [
      { type: 'subtract-dark', params: { file: 'dark.npy.gz' } },
      { type: 'mask', params: { below: 0 } },
    ];
    await expect(run({ geometry }, late)).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' });
    await expect(runOperator(correctFlat, { file: 'absent.npy' }, [], { baseDir })).rejects.toMatchObject({ code: 'ERR_CONFIG_FILE' });
  });
});
