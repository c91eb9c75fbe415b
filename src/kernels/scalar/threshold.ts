import { memoryViews, numericView } from '../memory-views.js';
import { oncePerMemory } from '../once-per-memory.js';

/**
 * Copies `pixels` items, with `putBelow` in place of those under `below` and `putAbove` in place of those over `above`.
 * The result has the dtype of the source; NaN stays NaN.
 */
export type ThresholdKernel = (
  dtype: number,
  source: number,
  pixels: number,
  below: number,
  above: number,
  putBelow: number,
  putAbove: number,
  out: number,
) => void;

export const createThreshold = oncePerMemory((memory): ThresholdKernel => {
  const views = memoryViews(memory);
  return (dtype, source, pixels, below, above, putBelow, putAbove, out) => {
    const items = numericView(views, dtype);
    const first = source / items.BYTES_PER_ELEMENT;
    const firstOut = out / items.BYTES_PER_ELEMENT;
    for (let i = 0; i < pixels; i++) {
      const value = items[first + i]!;
      items[firstOut + i] = value < below ? putBelow : value > above ? putAbove : value;
    }
  };
});
