import { describe, expect, test } from 'vitest';
import type { DType, TypedArray } from '../../src/frame/dtype.js';
import { knownDetector } from '../../src/geometry/detectors.js';
import { gapMask } from '../../src/geometry/gaps.js';
import { type IntegrateAzimuthalParams, integrateAzimuthal } from '../../src/operators/integrate-azimuthal.js';
import { runOperator } from '../../src/testing.js';
import { goldenFrame, lcg } from '../golden/lcg.js';
import { largestDeviation, readGolden } from '../golden/read-golden.js';

interface Case {
  readonly geometry: Exclude<IntegrateAzimuthalParams['geometry'], string> & { readonly detector: string };
  readonly dtype: DType;
  /** The value that means no data in the gaps and at some other pixels. */
  readonly missing: number | null;
  readonly shape: readonly [number, number];
  readonly masked: number;
  readonly radial: number[];
  readonly intensity: number[];
  readonly sigma: number[];
}

// Computed by test/golden/make-goldens.py with the defaults of pyFAI, which masks the gaps and the values without data.
const { bins, cases } = readGolden<{ bins: number; cases: Case[] }>('gaps');
const ARRAYS = { int16: Int16Array, uint16: Uint16Array, int32: Int32Array, uint32: Uint32Array } as const;

/** The frame that make-goldens.py makes. */
function frameOf({ geometry, dtype, missing, shape }: Case): TypedArray {
  const gaps = gapMask(knownDetector(geometry.detector)!.gaps!, ...shape);
  const marks = lcg(6, gaps.length);
  const frame = ARRAYS[dtype as keyof typeof ARRAYS].from(goldenFrame(5, gaps.length));
  if (missing !== null)
    for (let pixel = 0; pixel < frame.length; pixel++) if (gaps[pixel] || marks[pixel]! % 97 === 0) frame[pixel] = missing;
  return frame;
}

/** The same numbers in 64 bits, where all ones stays all ones. */
function widened(data: TypedArray, { dtype, missing }: Case): TypedArray {
  const values = Array.from(data, Number);
  if (dtype.startsWith('int')) return BigInt64Array.from(values, BigInt);
  return BigUint64Array.from(values, (value) => (value === missing ? 2n ** 64n - 1n : BigInt(value)));
}

async function profileOf(golden: Case, data: TypedArray, params: Partial<IntegrateAzimuthalParams> = {}): Promise<number[][]> {
  const all = { geometry: golden.geometry, bins, ...params };
  const [profile] = await runOperator(integrateAzimuthal, all, [{ data, shape: golden.shape }]);
  return [0, 1, 2].map((row) => Array.from(profile!.data as Float64Array).slice(row * bins, (row + 1) * bins));
}

describe('gaps and values without data', () => {
  test.each(cases)('$geometry.detector in $dtype agrees with the defaults of pyFAI in every bin, in 64 bits too', async (golden) => {
    const frame = frameOf(golden);
    for (const data of [frame, widened(frame, golden)]) {
      const [radial, intensity, sigma] = await profileOf(golden, data);
      expect(largestDeviation(radial!, golden.radial)).toBeLessThan(1e-9);
      expect(largestDeviation(intensity!, golden.intensity)).toBeLessThan(1e-6);
      expect(largestDeviation(sigma!, golden.sigma)).toBeLessThan(1e-6);
    }
  });

  test('gaps: false takes the pixels of gaps in, noData: false the values without data', async () => {
    const golden = cases.find(({ dtype }) => dtype === 'uint32')!;
    const frame = frameOf(golden);
    const both = (await profileOf(golden, frame))[1]!;
    // The gaps hold no data, so that either of the two leaves them out.
    expect(largestDeviation((await profileOf(golden, frame, { gaps: false }))[1]!, both)).toBeLessThan(1e-6);
    expect(Math.max(...(await profileOf(golden, frame, { noData: false }))[1]!)).toBeGreaterThan(2 ** 25);
    const zeros = new Uint32Array(frame.length);
    const ones = zeros.map(() => 1);
    expect((await profileOf(golden, ones, { gaps: false, solidAngle: false }))[1]!.every((value) => value === 1)).toBe(true);
    const gaps = gapMask(knownDetector(golden.geometry.detector)!.gaps!, ...golden.shape);
    const inGaps = zeros.map((_, pixel) => gaps[pixel]!);
    expect(Math.max(...(await profileOf(golden, inGaps))[1]!)).toBe(0);
    expect(Math.max(...(await profileOf(golden, inGaps, { gaps: false }))[1]!)).toBeGreaterThan(0);
  });

  test('each of the operators that are folded in may say that no value means no data', async () => {
    const golden = cases[0]!;
    const data = frameOf(golden);
    const params = { geometry: golden.geometry, bins, gaps: false };
    const mean = async (folded: Record<string, unknown>): Promise<number> => {
      const [profile] = await runOperator(integrateAzimuthal, params, [{ data, shape: golden.shape }], {
        folded: [{ type: 'mask', params: folded }],
      });
      return (profile!.data as Float64Array).slice(bins, 2 * bins).reduce((sum, value) => sum + value, 0);
    };
    expect(await mean({ above: 5000 })).toBeGreaterThan(1.01 * (await mean({ above: 5000, noData: false })));
  });

  test('the plan says what is masked, and for which values', async () => {
    const notes = async (golden: Case, params: Partial<IntegrateAzimuthalParams>, dtype: DType | undefined): Promise<readonly string[]> => {
      const context = { baseDir: '.', shape: golden.shape, dtype, maxInputBytes: 1 << 24, folded: [] };
      return (await integrateAzimuthal.prepare!({ geometry: golden.geometry, ...params }, context)).notes!;
    };
    const golden = cases.find(({ dtype }) => dtype === 'uint32')!;
    expect(await notes(golden, {}, 'uint32')).toEqual([
      `gaps: ${golden.masked} pixels in the gaps of ${golden.geometry.detector} are masked (gaps: false includes them)`,
      'no data: 4294967295 of uint32, left out (noData: false treats them as values)',
    ]);
    expect((await notes(golden, {}, undefined))[1]).toContain('all ones of unsigned integers, negative values of signed integers');
    expect(await notes(golden, { gaps: false, noData: false }, 'uint32')).toEqual([]);
    expect(await notes(golden, { gaps: false }, 'float32')).toEqual([]);
  });

  test.each(['Lambda9M', 'Jungfrau 8M'])(
    '%s, whose gaps have no known places, is refused unless gaps: false says that they are masked',
    async (detector) => {
      const shape = knownDetector(detector)!.shape;
      const geometry = { detector, distance: 1, poni1: 0, poni2: 0, wavelength: 1e-10 };
      const context = { baseDir: '.', shape, dtype: 'uint16' as const, maxInputBytes: 1 << 24, folded: [] };
      await expect(async () => integrateAzimuthal.prepare!({ geometry }, context)).rejects.toMatchObject({
        code: 'ERR_CONFIG_INVALID',
        message: expect.stringContaining(`gaps of ${detector}`),
      });
      await expect(integrateAzimuthal.prepare!({ geometry, gaps: false }, context)).resolves.toMatchObject({ dtype: 'float64' });
    },
  );
});
