import type { PlanWithTables, Tightness } from './draft.js';
import { TIGHTNESS } from './draft-sizes.js';

const MIB = 2 ** 20;

/**
 * Sizes tried for frames of sources that neither know nor give one, largest first: Pilatus 6M and Eiger2 4M need 24 and
 * 18 MiB.
 */
export const FRAME_SIZES: readonly number[] = [32, 24, 18, 16, 12, 8, 4, 2, 1].map((mib) => mib * MIB);

export const LEAST_FRAME_BYTES = MIB;

/** Capacities of 8 and windows of two cells per worker still keep every thread busy. */
const COMFORTABLE = 3;
export const TIGHTEST = TIGHTNESS[TIGHTNESS.length - 1]!;

/** Lays a pipeline out with frames of the open sources of at most `frameBytes`. */
export type Attempt = (frameBytes: number, tightness: Tightness) => Promise<PlanWithTables>;

/**
 * The layout with the largest frames, and for these the largest capacities, that fits the budget. Frames shrink before
 * capacities become uncomfortable. Undefined where even the smallest sizes do not fit.
 */
export async function chooseSizes(attempt: Attempt, isOpen: boolean, budgetBytes: number): Promise<PlanWithTables | undefined> {
  const sizes = isOpen ? FRAME_SIZES : FRAME_SIZES.slice(0, 1);
  const at = async (size: number, level: number): Promise<PlanWithTables | undefined> => {
    const planned = await attempt(sizes[size]!, TIGHTNESS[level]!);
    return planned.plan.bytes <= budgetBytes ? planned : undefined;
  };
  for (const worst of [COMFORTABLE, TIGHTNESS.length - 1]) {
    const size = await firstWhere(sizes.length, async (index) => (await at(index, worst)) !== undefined);
    if (size === undefined) continue;
    for (let level = 0; level <= worst; level++) {
      const planned = await at(size, level);
      if (planned) return planned;
    }
  }
}

/** The lowest index for which `holds`, which holds for all above it too; found by bisection. */
async function firstWhere(length: number, holds: (index: number) => Promise<boolean>): Promise<number | undefined> {
  if (await holds(0)) return 0;
  let low = 1;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (await holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low < length ? low : undefined;
}
