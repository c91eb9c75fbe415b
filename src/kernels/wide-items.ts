import type { DType } from '../frame/dtype.js';
import { memoryViews, WIDE } from './memory-views.js';
import { oncePerMemory } from './once-per-memory.js';

/** 2^21: an integer of 64 bits is within ±2^53 where its upper word is within ±2^21. */
const UPPER_LIMIT = 2 ** 21;
const WORD = 2 ** 32;
const ALL_ONES = WORD - 1;

/**
 * Copies `items` integers of 64 bits at `source` as float64 to where kernels find items of dtype code `WIDE` at address 0;
 * they stay there until the next call. Returns the index of the first one beyond ±2^53, which float64 does not hold
 * exactly, or -1. With `noData` all ones of uint64 and negative values of int64 become NaN.
 */
export type WidenItems = (dtype: DType, source: number, items: number, noData: boolean) => number;

export const createWidenItems = oncePerMemory((memory): WidenItems => {
  const views = memoryViews(memory);
  const { u32, i32 } = views;
  return (dtype, source, items, noData) => {
    let wide = views.byDtype[WIDE] as Float64Array;
    // Grows to the largest frame of the thread, and is made anew for no other.
    if (wide.length < items) {
      wide = new Float64Array(items);
      views.byDtype[WIDE] = wide;
    }
    const first = source / 4;
    const signed = dtype === 'int64';
    for (let i = 0; i < items; i++) {
      const low = u32[first + 2 * i]!;
      const high = signed ? i32[first + 2 * i + 1]! : u32[first + 2 * i + 1]!;
      if (noData && (signed ? high < 0 : high === ALL_ONES && low === ALL_ONES)) wide[i] = NaN;
      else if (high > UPPER_LIMIT || (high === UPPER_LIMIT && low > 0) || high < -UPPER_LIMIT) return i;
      else wide[i] = high * WORD + low;
    }
    return -1;
  };
});
