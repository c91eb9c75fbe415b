import { memoryViews, numericView } from '../memory-views.js';
import { oncePerMemory } from '../once-per-memory.js';

/**
 * out = (in - dark) / flat, NaN where masked, in the float dtype of `out`.
 *
 * @param dtype code of the `pixels` items at `source`
 * @param mask byte address of one uint8 per pixel, nonzero = masked; 0 for none
 * @param dark byte address of one float32 per pixel; 0 for none
 * @param flat byte address of one float32 per pixel; 0 for none. Where it is 0 the result is NaN
 * @param below values under it are masked (-Infinity: no limit), compared before the corrections
 * @param above values over it are masked (Infinity: no limit)
 * @param outDtype code of float32 or float64
 */
export type CorrectPixelsKernel = (
  dtype: number,
  source: number,
  pixels: number,
  mask: number,
  dark: number,
  flat: number,
  below: number,
  above: number,
  outDtype: number,
  out: number,
) => void;

export const createCorrectPixels = oncePerMemory((memory): CorrectPixelsKernel => {
  const views = memoryViews(memory);
  const { u8, f32 } = views;
  return (dtype, source, pixels, mask, dark, flat, below, above, outDtype, out) => {
    const items = numericView(views, dtype);
    const results = numericView(views, outDtype);
    const first = source / items.BYTES_PER_ELEMENT;
    const firstOut = out / results.BYTES_PER_ELEMENT;
    for (let i = 0; i < pixels; i++) {
      let value = items[first + i]!;
      if ((mask !== 0 && u8[mask + i] !== 0) || value < below || value > above) {
        results[firstOut + i] = NaN;
        continue;
      }
      if (dark !== 0) value -= f32[dark / 4 + i]!;
      if (flat !== 0) {
        const divisor = f32[flat / 4 + i]!;
        value = divisor === 0 ? NaN : value / divisor;
      }
      results[firstOut + i] = value;
    }
  };
});
