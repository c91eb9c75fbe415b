import { LATE } from './sink-stats.js';

export interface LateCounts {
  /** Messages that wait. */
  readonly pending: number;
  /** Messages whose frames still count as owed. */
  readonly unsettled: number;
  readonly lost: number;
  readonly undelivered: number;
}

/** Frames of a source that sinks have accepted but not delivered. `addresses`: of their words. */
export function lateCounts(words: Int32Array, addresses: readonly number[], source: number): LateCounts {
  const sum = (word: number): number =>
    addresses.reduce((total, address) => total + Atomics.load(words, (address + source * LATE.bytes + word) >>> 2), 0);
  return { pending: sum(LATE.pending), unsettled: sum(LATE.unsettled), lost: sum(LATE.lost), undelivered: sum(LATE.undelivered) };
}
