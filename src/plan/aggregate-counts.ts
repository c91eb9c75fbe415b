/**
 * What the operators of one worker hold that aggregate otherwise than by partials: two banks, of which the parity of the
 * record's sequence names the live one. A commit writes the idle bank and publishes it by its record word; the supervisor
 * writes the live one after the worker's death.
 *
 *   bank: held[sources] | lost[sources] | results[sources] | frames[sources]
 *
 * `held`: frames that were counted as merged and are in no result yet. `lost`: those whose result will never come.
 * `results`: results that were handed on. `frames`: how many frames those hold.
 */
export const AGGREGATE_COUNTS = { held: 0, lost: 1, results: 2, frames: 3, words: 4 } as const;

export const countBankBytes = (sources: number): number => 4 * AGGREGATE_COUNTS.words * sources;

/** Address of the bank that counts, by the record word; with `ahead` 1 of the one that the next commit makes so. */
export const liveCountBank = (banks: number, record: number, sources: number, ahead: 0 | 1 = 0): number =>
  banks + (((record >>> 1) + ahead) & 1) * countBankBytes(sources);

/** Address of a count of a bank, by source. */
export const countAddress = (bank: number, count: number, sources: number, source: number): number => bank + 4 * (count * sources + source);
