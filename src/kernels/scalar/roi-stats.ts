import { memoryViews, numericView } from '../memory-views.js';
import { oncePerMemory } from '../once-per-memory.js';

/** The statistics in the order in which the kernel writes them. */
export const ROI_STATISTICS = ['min', 'max', 'mean', 'sigma', 'total', 'count', 'com_y', 'com_x'] as const;

/**
 * Statistics of the pixels with y0 <= y < y1 and x0 <= x < x1 of a C-ordered image that are within `lowest`..`highest`;
 * others, NaN and infinities are excluded (both limits are finite). Two passes, so that sigma (population standard
 * deviation) does not cancel. Centre of mass in pixels of the frame, pixel centres at integers. Without a valid pixel
 * all but count and total are NaN.
 * @param source byte address of the items of the image, whose rows are `width` items long
 */
export type RoiStatsKernel = (
  dtype: number,
  source: number,
  width: number,
  y0: number,
  y1: number,
  x0: number,
  x1: number,
  lowest: number,
  highest: number,
  out: number,
  stride: number,
) => void;

export const createRoiStats = oncePerMemory((memory): RoiStatsKernel => {
  const views = memoryViews(memory);
  const { f64 } = views;
  return (dtype, source, width, y0, y1, x0, x1, lowest, highest, out, stride) => {
    const items = numericView(views, dtype);
    const first = source / items.BYTES_PER_ELEMENT;
    let min = Infinity;
    let max = -Infinity;
    let total = 0;
    let count = 0;
    let momentY = 0;
    let momentX = 0;
    for (let y = y0; y < y1; y++) {
      let rowTotal = 0;
      for (let x = x0; x < x1; x++) {
        const value = items[first + y * width + x]!;
        if (!(value >= lowest && value <= highest)) continue;
        if (value < min) min = value;
        if (value > max) max = value;
        rowTotal += value;
        momentX += value * x;
        count++;
      }
      total += rowTotal;
      momentY += rowTotal * y;
    }
    const mean = total / count;
    let squares = 0;
    for (let y = y0; y < y1; y++) {
      for (let x = x0; x < x1; x++) {
        const value = items[first + y * width + x]!;
        if (value >= lowest && value <= highest) squares += (value - mean) * (value - mean);
      }
    }
    const target = out / 8;
    f64[target] = count === 0 ? NaN : min;
    f64[target + stride] = count === 0 ? NaN : max;
    f64[target + 2 * stride] = mean;
    f64[target + 3 * stride] = Math.sqrt(squares / count);
    f64[target + 4 * stride] = total;
    f64[target + 5 * stride] = count;
    f64[target + 6 * stride] = total === 0 ? NaN : momentY / total;
    f64[target + 7 * stride] = total === 0 ? NaN : momentX / total;
  };
});
