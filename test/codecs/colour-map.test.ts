import { expect, test } from 'vitest';
import { viridis } from '../../src/codecs/colour-map.js';
import { fnv1a32 } from '../../src/codecs/fnv1a.js';

// Anchors of matplotlib's viridis table: entries 0, 64, 128, 191, 255.
const ANCHORS: Record<number, [number, number, number]> = {
  0: [68, 1, 84],
  64: [59, 82, 139],
  128: [33, 145, 140],
  191: [94, 201, 98],
  255: [253, 231, 37],
};

test('viridis follows the published table within 8 of 255 and its lightness rises', () => {
  const map = viridis();
  expect(map.length).toBe(768);
  for (const [entry, colour] of Object.entries(ANCHORS)) {
    const index = Number(entry);
    colour.forEach((level, channel) => {
      expect(Math.abs(map[index * 3 + channel]! - level)).toBeLessThanOrEqual(8);
    });
  }
  const luma = (index: number) => 0.2126 * map[index * 3]! + 0.7152 * map[index * 3 + 1]! + 0.0722 * map[index * 3 + 2]!;
  for (let index = 8; index < 256; index++) expect(luma(index)).toBeGreaterThan(luma(index - 8));
});

// Vectors of the FNV authors' test suite: "", "a", "foobar".
test('fnv1a32 gives the published vectors', () => {
  expect(fnv1a32(Buffer.from(''))).toBe(0x811c9dc5);
  expect(fnv1a32(Buffer.from('a'))).toBe(0xe40c292c);
  expect(fnv1a32(Buffer.from('xfoobary'), 1, 7)).toBe(0xbf9cf968);
});
