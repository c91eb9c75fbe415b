/** What fails a run, besides an error, a ledger that does not balance, and undelivered frames at the end. */
export const FAIL_ON = ['dead', 'dropped', 'incomplete', 'unverifiable', 'unreadable'] as const;

export type FailOn = (typeof FAIL_ON)[number];

/** The default; a batch over files adds `unreadable`. */
export const DEFAULT_FAIL_ON: readonly FailOn[] = ['dead', 'incomplete'];

/** The list without `none`, without duplicates, in the order of FAIL_ON. */
export function failOnOf(words: readonly string[]): FailOn[] {
  return FAIL_ON.filter((word) => words.includes(word));
}
