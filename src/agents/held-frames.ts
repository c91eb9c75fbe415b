/**
 * What the operators of one worker hold that aggregate otherwise than by partials: two banks, of which the parity of the
 * record's sequence names the live one. A commit writes the idle bank and publishes it by its record word; the supervisor
 * writes the live one after the worker's death.
 *
 *   bank: held[sources] | lost[sources]
 *
 * `held`: frames that were counted as merged and are in no result yet. `lost`: those whose result failed for good.
 */
export const heldBankBytes = (sources: number): number => 8 * sources;

/** Address of the bank that counts, by the record word; with `ahead` 1 of the one that the next commit makes so. */
export const liveHeldBank = (banks: number, record: number, sources: number, ahead: 0 | 1 = 0): number =>
  banks + (((record >>> 1) + ahead) & 1) * heldBankBytes(sources);
