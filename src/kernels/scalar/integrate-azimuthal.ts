import { memoryViews, numericView, WIDE } from '../memory-views.js';
import { oncePerMemory } from '../once-per-memory.js';

/** Bytes of the sums of one bin: float64 signal, variance, rejected normalisation, rejected count. */
export const BIN_SUMS_BYTES = 32;

/** Limits that reject nothing but NaN and infinities. */
export const NO_LOWER_LIMIT = -Number.MAX_VALUE;
export const NO_UPPER_LIMIT = Number.MAX_VALUE;

/**
 * Adds every pixel to the sums of its bin.
 *
 * @param dtype code of the items at `source` (any but bytes and 64-bit integers); `WIDE` only for the scalar form
 * @param source byte address of `pixels` items
 * @param binTable byte address of one uint16 per pixel: its bin, or `bins` for a pixel that belongs to none (values above are taken as `bins`)
 * @param bins number of bins
 * @param norm byte address of one float32 per pixel, read only for rejected pixels
 * @param dark byte address of one float32 per pixel to subtract from the signal, 0 for none
 * @param below values under it are rejected; `NO_LOWER_LIMIT` for no limit
 * @param above values over it are rejected; `NO_UPPER_LIMIT` for no limit. NaN and infinities are always rejected
 * @param sums byte address of (bins + 1) × 4 float64, 16-byte aligned, cleared first: signal, variance, and the
 *   normalisation and number of the rejected pixels. The last row takes the pixels of no bin and means nothing
 */
export type IntegrateAzimuthalKernel = (
  dtype: number,
  source: number,
  pixels: number,
  binTable: number,
  bins: number,
  norm: number,
  dark: number,
  below: number,
  above: number,
  sums: number,
) => void;

/**
 * Histogram without pixel splitting: S = sum of raw - dark, V = sum of max(raw, 1) (Poisson). The normalisation of all
 * pixels of a bin is known beforehand, so only that of rejected pixels is summed here, which saves reading a table.
 */
export const createIntegrateAzimuthal = oncePerMemory((memory): IntegrateAzimuthalKernel => {
  const views = memoryViews(memory);
  const { u16, f32, f64 } = views;
  return (dtype, source, pixels, binTable, bins, norm, dark, below, above, sums) => {
    const items = numericView(views, dtype);
    const first = source / items.BYTES_PER_ELEMENT;
    const firstBin = binTable / 2;
    const firstSum = sums / 8;
    f64.fill(0, firstSum, firstSum + (bins + 1) * 4);
    const unlimited = below === NO_LOWER_LIMIT && above === NO_UPPER_LIMIT;
    const mayBeNaN = items === f32 || items === f64 || dtype === WIDE;
    if (dark === 0 && unlimited && !mayBeNaN) {
      for (let i = 0; i < pixels; i++) {
        const value = items[first + i]!;
        const sum = firstSum + Math.min(u16[firstBin + i]!, bins) * 4;
        f64[sum] = f64[sum]! + value;
        f64[sum + 1] = f64[sum + 1]! + Math.max(value, 1);
      }
      return;
    }
    for (let i = 0; i < pixels; i++) {
      const value = items[first + i]!;
      const sum = firstSum + Math.min(u16[firstBin + i]!, bins) * 4;
      if (value >= below && value <= above) {
        f64[sum] = f64[sum]! + (dark === 0 ? value : value - f32[dark / 4 + i]!);
        f64[sum + 1] = f64[sum + 1]! + Math.max(value, 1);
      } else {
        f64[sum + 2] = f64[sum + 2]! + f32[norm / 4 + i]!;
        f64[sum + 3] = f64[sum + 3]! + 1;
      }
    }
  };
});
