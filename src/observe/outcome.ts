/**
 * How a frame can end, best to worst: the number is the bit that a settlement sets, and the highest bit of an entry is
 * what its frame is counted as. The ring operations use the codes of drops (the build generates them into `../ring/assembly/layout.ts`).
 */
export const OUTCOME = {
  filtered: 0,
  merged: 1,
  delivered: 2,
  'drop-newest': 8,
  'drop-oldest': 9,
  latest: 10,
  sampled: 11,
  superseded: 12,
  unmatched: 13,
  unread: 14,
  'operator-failed': 16,
  'operator-input': 17,
  'operator-output': 18,
  'sink-too-large': 19,
  'sink-refused': 20,
  'encode-failed': 21,
  'worker-lost': 22,
  'partial-lost': 23,
  malformed: 24,
  'wrong-parts': 25,
  'too-large': 26,
} as const;

export type OutcomeName = keyof typeof OUTCOME;

const FIRST_DROP = 8;
const FIRST_DEAD = 16;
const NAMES = new Map<number, OutcomeName>(Object.entries(OUTCOME).map(([name, code]) => [code, name as OutcomeName]));

export const isDrop = (code: number): boolean => code >= FIRST_DROP && code < FIRST_DEAD;
export const isDead = (code: number): boolean => code >= FIRST_DEAD;
export const outcomeName = (code: number): OutcomeName | undefined => NAMES.get(code);
export const OUTCOME_CODES: readonly number[] = [...NAMES.keys()];
