import type { EdgePlan } from '../../plan/plan-types.js';
import { ARRAY, EMPTY, RING } from '../../ring/ring-layout.js';

/** Address of the array of one source in an ordered edge. */
export const arrayAddress = (edge: EdgePlan, source: number): number => edge.ring + RING.cells + source * edge.arrayStride;

/** The ordinal that the array waits for: all before it came out, or will not come. Exact right after its one consumer found nothing. */
export const nextOf = (words: Int32Array, array: number): number => Atomics.load(words, (array + ARRAY.next) >>> 2);

/** The latest ordinal that is in the array, at least `from`: a look, not a claim. */
export function newestIn(words: Int32Array, edge: EdgePlan, array: number, from: number): number {
  let newest = from;
  for (let i = 0; i < edge.cells; i++) {
    const cell = (array + ARRAY.cells + 8 * i) >>> 2;
    const position = Atomics.load(words, cell);
    if (Atomics.load(words, cell + 1) !== EMPTY && ((position - newest) | 0) > 0) newest = position;
  }
  return newest;
}
