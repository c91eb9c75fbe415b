import { memoryViews, numericView } from '../memory-views.js';
import { oncePerMemory } from '../once-per-memory.js';

/** Numbers of the scales. */
export const SCALES = ['linear', 'log', 'sqrt'] as const;

/**
 * Colours pixels through a table of 256 RGB triples. With t = (value - low) / (high - low) clipped to 0..1, the index
 * is t (linear), the square root of t, or log(1 + value - low) / log(1 + high - low), scaled to 255 and rounded. A
 * value outside `lowest`..`highest` (both finite) becomes black.
 */
export type ToImageKernel = (
  dtype: number,
  source: number,
  pixels: number,
  scale: number,
  low: number,
  high: number,
  table: number,
  lowest: number,
  highest: number,
  out: number,
) => void;

export const createToImage = oncePerMemory((memory): ToImageKernel => {
  const views = memoryViews(memory);
  const { u8 } = views;
  return (dtype, source, pixels, scale, low, high, table, lowest, highest, out) => {
    const items = numericView(views, dtype);
    const first = source / items.BYTES_PER_ELEMENT;
    const span = high - low;
    const norm = span > 0 ? (scale === 1 ? Math.log1p(span) : span) : 1;
    for (let i = 0; i < pixels; i++) {
      const value = items[first + i]!;
      const target = out + i * 3;
      if (!(value >= lowest && value <= highest)) {
        u8[target] = 0;
        u8[target + 1] = 0;
        u8[target + 2] = 0;
        continue;
      }
      const lifted = value <= low ? 0 : value >= high ? span : value - low;
      const share = scale === 1 ? Math.log1p(lifted) / norm : scale === 2 ? Math.sqrt(lifted / norm) : lifted / norm;
      const colour = table + Math.round(Math.min(1, Math.max(0, share)) * 255) * 3;
      u8[target] = u8[colour]!;
      u8[target + 1] = u8[colour + 1]!;
      u8[target + 2] = u8[colour + 2]!;
    }
  };
});
