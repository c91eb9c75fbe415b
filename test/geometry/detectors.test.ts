import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { isGenericDetector, knownDetector, refusalOfDetector } from '../../src/geometry/detectors.js';
import { gapMask } from '../../src/geometry/gaps.js';
import { readGolden } from '../golden/read-golden.js';

interface Case {
  readonly names: readonly string[];
  readonly shape: readonly [number, number];
  readonly pixel: readonly [number, number];
  /** Pixels in gaps, and the CRC-32 of the mask with one byte for each pixel. */
  readonly masked: number;
  readonly crc32: number;
}

// Computed by test/golden/make-goldens.py with pyFAI.
const { cases, refused } = readGolden<{ cases: Case[]; refused: string[] }>('detectors');
/** pyFAI has no places for the gaps of Lambda9M; those of Jungfrau8M lie on no grid. */
const WITHOUT_PLACES = ['Jungfrau8M', 'Lambda9M'];

describe('the table of detectors', () => {
  test.each(cases)(
    'has shape, pixel and gaps of $names.0 as pyFAI has them, under each name',
    ({ names, shape, pixel, masked, crc32: sum }) => {
      for (const name of names) expect(knownDetector(name), name).toMatchObject({ shape, pixel });
      const gaps = knownDetector(names[0]!)!.gaps;
      if (WITHOUT_PLACES.some((name) => names.includes(name))) {
        expect(gaps).toEqual({ kind: 'unknown' });
        return;
      }
      if (!gaps) {
        expect(masked).toBe(0);
        return;
      }
      const mask = gapMask(gaps, ...shape);
      expect(mask.reduce((count, bit) => count + bit, 0)).toBe(masked);
      expect(crc32(mask)).toBe(sum);
    },
  );

  test.each(refused.map((name) => [name]))('%s is refused with the reason, because it is not flat with pixels of one size', (name) => {
    expect(knownDetector(name)).toBeUndefined();
    expect(refusalOfDetector(name)).toMatch(/several sizes|hexagonal|curved|separate file/);
  });

  test('a detector without a name or with the general one is generic, any other is not', () => {
    expect(['Detector', 'detector', 'None', ''].map(isGenericDetector)).toEqual([true, true, true, true]);
    expect(['Pilatus', 'MyDetector', 'constructor'].map(isGenericDetector)).toEqual([false, false, false]);
  });
});
