import { memoryViews, numericView } from '../memory-views.js';
import { oncePerMemory } from '../once-per-memory.js';

const BUCKETS = 65536;

/** Bytes of scratch that a percentile needs: the counts of 65536 buckets and one value. */
export const PERCENTILE_SCRATCH_BYTES = BUCKETS * 4 + 64;

/**
 * The value at rank floor(fraction × (n - 1)) of the n values within `lowest`..`highest` (both finite), in rising order, as float32 (numpy's
 * `percentile(method='lower')`); NaN where there is none. A radix selection in two passes over the order-preserving
 * bits of float32: the upper half finds the bucket, the lower half the value in it.
 *
 * @param scratch byte address of PERCENTILE_SCRATCH_BYTES bytes, 64-byte aligned
 */
export type PercentileKernel = (
  dtype: number,
  source: number,
  pixels: number,
  fraction: number,
  lowest: number,
  highest: number,
  scratch: number,
) => number;

export const createPercentile = oncePerMemory((memory): PercentileKernel => {
  const views = memoryViews(memory);
  const { u32, f32 } = views;
  return (dtype, source, pixels, fraction, lowest, highest, scratch) => {
    const items = numericView(views, dtype);
    const first = source / items.BYTES_PER_ELEMENT;
    const counts = scratch / 4;
    const cell = counts + BUCKETS;
    let upper = -1;
    let rank = 0;
    let key = 0;
    for (let pass = 0; pass < 2; pass++) {
      u32.fill(0, counts, counts + BUCKETS);
      let finite = 0;
      for (let i = 0; i < pixels; i++) {
        const item = items[first + i]!;
        if (!(item >= lowest && item <= highest)) continue;
        f32[cell] = item;
        const value = f32[cell]!;
        // Beyond float32.
        if (value - value !== 0) continue;
        const bits = u32[cell]!;
        // Negative floats fall as their bits rise: flip them all; of the others only the sign.
        const ordered = (bits & 0x80000000) !== 0 ? ~bits >>> 0 : (bits | 0x80000000) >>> 0;
        if (pass === 0) {
          u32[counts + (ordered >>> 16)] = u32[counts + (ordered >>> 16)]! + 1;
          finite++;
        } else if (ordered >>> 16 === upper) {
          u32[counts + (ordered & 0xffff)] = u32[counts + (ordered & 0xffff)]! + 1;
        }
      }
      if (pass === 0) {
        if (finite === 0) return NaN;
        rank = Math.floor(fraction * (finite - 1));
      }
      let bucket = 0;
      while (bucket < BUCKETS - 1 && rank >= u32[counts + bucket]!) rank -= u32[counts + bucket++]!;
      if (pass === 0) upper = bucket;
      else key = ((upper << 16) | bucket) >>> 0;
    }
    u32[cell] = (key & 0x80000000) !== 0 ? key & 0x7fffffff : ~key;
    return f32[cell]!;
  };
});
