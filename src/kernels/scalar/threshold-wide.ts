import { memoryViews } from '../memory-views.js';
import { oncePerMemory } from '../once-per-memory.js';

const WORD = 2 ** 32;

/**
 * The form of `ThresholdKernel` for int64 and uint64 frames. Limits and what replaces a value are within ±2^53, where
 * float64 is exact, or infinite; so each comparison is exact. Values that stay are copied bit by bit.
 */
export type ThresholdWideKernel = (
  signed: boolean,
  source: number,
  pixels: number,
  below: number,
  above: number,
  putBelow: number,
  putAbove: number,
  out: number,
) => void;

export const createThresholdWide = oncePerMemory((memory): ThresholdWideKernel => {
  const { u32, i32 } = memoryViews(memory);
  return (signed, source, pixels, below, above, putBelow, putAbove, out) => {
    const first = source / 4;
    const firstOut = out / 4;
    for (let i = 0; i < pixels; i++) {
      const low = u32[first + 2 * i]!;
      const high = signed ? i32[first + 2 * i + 1]! : u32[first + 2 * i + 1]!;
      const value = high * WORD + low;
      const target = firstOut + 2 * i;
      if (value < below || value > above) {
        const put = value < below ? putBelow : putAbove;
        u32[target] = put - Math.floor(put / WORD) * WORD;
        i32[target + 1] = Math.floor(put / WORD);
      } else {
        u32[target] = low;
        i32[target + 1] = high;
      }
    }
  };
});
