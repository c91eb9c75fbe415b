import { memoryViews, numericView } from '../memory-views.js';
import { oncePerMemory } from '../once-per-memory.js';

/**
 * The statistic of a region by which frames are kept or dropped: the total of its values (`level` NaN), or the number of
 * its values over `level`; only values within `lowest`..`highest` count, which are finite. The region is y0 <= y < y1, x0 <= x < x1 of a C-ordered image `width` items wide.
 */
export type RegionSumKernel = (
  dtype: number,
  source: number,
  width: number,
  y0: number,
  y1: number,
  x0: number,
  x1: number,
  level: number,
  lowest: number,
  highest: number,
) => number;

export const createRegionSum = oncePerMemory((memory): RegionSumKernel => {
  const views = memoryViews(memory);
  return (dtype, source, width, y0, y1, x0, x1, level, lowest, highest) => {
    const items = numericView(views, dtype);
    const first = source / items.BYTES_PER_ELEMENT;
    const counts = !Number.isNaN(level);
    let sum = 0;
    for (let y = y0; y < y1; y++) {
      const line = first + y * width;
      for (let x = x0; x < x1; x++) {
        const value = items[line + x]!;
        if (value >= lowest && value <= highest) sum += counts ? (value > level ? 1 : 0) : value;
      }
    }
    return sum;
  };
});
