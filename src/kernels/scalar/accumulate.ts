import { memoryViews, numericView } from '../memory-views.js';
import { oncePerMemory } from '../once-per-memory.js';

/**
 * Welford's update of mean and M2 (sum of squared deviations), one float64 of each per pixel (B. P. Welford,
 * Technometrics 4 (1962) 419). `n` is the number of this frame, from 1; 1 starts anew and overwrites the accumulators.
 * With `limited` a value below `lowest` or above `highest` is NaN.
 */
export type AccumulateKernel = (
  dtype: number,
  source: number,
  pixels: number,
  n: number,
  mean: number,
  m2: number,
  limited: boolean,
  lowest: number,
  highest: number,
) => void;

export const createAccumulate = oncePerMemory((memory): AccumulateKernel => {
  const views = memoryViews(memory);
  const { f64 } = views;
  return (dtype, source, pixels, n, mean, m2, limited, lowest, highest) => {
    const items = numericView(views, dtype);
    const first = source / items.BYTES_PER_ELEMENT;
    const firstMean = mean / 8;
    const firstM2 = m2 / 8;
    if (n === 1) {
      for (let i = 0; i < pixels; i++) {
        const value = items[first + i]!;
        f64[firstMean + i] = limited && (value < lowest || value > highest) ? NaN : value;
        f64[firstM2 + i] = 0;
      }
      return;
    }
    for (let i = 0; i < pixels; i++) {
      const item = items[first + i]!;
      const value = limited && (item < lowest || item > highest) ? NaN : item;
      const before = f64[firstMean + i]!;
      const after = before + (value - before) / n;
      f64[firstMean + i] = after;
      f64[firstM2 + i] = f64[firstM2 + i]! + (value - before) * (value - after);
    }
  };
});
