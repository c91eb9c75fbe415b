import type { Verdict } from '../../observe/report.js';
import type { SequenceVerdict, UnknownNumbers } from '../../observe/sequence-verdict.js';
import type { SequenceTracker } from './sequence-tracker.js';

/** Where the numbers of a series begin, if its start does not say: the wire's may go on or begin anew, those from outside go on. */
export type Numbering = 'told-or-from-zero' | 'from-the-first-that-came';

type Ranges = readonly (readonly [number, number])[];
type Parts = Pick<SequenceVerdict, 'repeated' | 'unusable' | 'unknown'>;

/** The verdict on what is missing. `doubts`: why it may be wrong where nothing is. Complete only if all is known to have come. */
function verdict(missing: Ranges, { repeated, unusable, unknown }: Parts, doubts: readonly string[] = []): Verdict {
  const isIncomplete = missing.length > 0 || (unknown?.missingAtLeast ?? 0) > 0;
  const words = [
    ...(unknown ? [wordsOfUnknown(unknown)] : []),
    ...(unusable > 0 ? [`${unusable} frames have numbers that are not whole or too large`] : []),
    ...doubts,
  ];
  return {
    state: isIncomplete ? 'incomplete' : words.length > 0 ? 'unverifiable' : 'complete',
    ...(missing.length > 0 ? { missing } : {}),
    ...(repeated > 0 ? { repeated } : {}),
    ...(words.length > 0 ? { reason: words.join('; ') } : {}),
  };
}

function wordsOfUnknown({ first, last, missingAtLeast }: UnknownNumbers): string {
  const where = `there were too many separate gaps between ${first} and ${last} to follow them all`;
  return missingAtLeast > 0
    ? `${where}: at least ${missingAtLeast} of these numbers are missing`
    : `${where}: it is not known whether all of these numbers came`;
}

/** Of a source that announces nothing: nothing is missing between the least and the greatest of its numbers. */
export function verdictOfNumbers(sequences: SequenceVerdict): Verdict {
  return verdict(sequences.missing, sequences);
}

/** What is known of a series when it ends. */
export interface SeriesNumbers {
  readonly tracker: SequenceTracker;
  /** The count that was announced. */
  readonly expected: number | undefined;
  /** The first number that was announced. */
  readonly first: number | undefined;
  readonly numbering: Numbering;
}

/**
 * The verdict from the sender's numbers, the first number and the announced count. Without a first number, the numbers
 * may start at 0 in each series or continue from the last one: if all that arrived are below the announced count, the
 * series should be 0 to count - 1, otherwise that many from the lowest that arrived. A series that was begun from
 * outside can only be the latter.
 */
export function verdictOfSeriesNumbers({ tracker, expected, first: told, numbering }: SeriesNumbers, received: number): Verdict {
  const numbers = tracker.verdict;
  const { numbered, unusable, first, last } = numbers;
  if (numbered === unusable) return withoutNumbers(received, expected, told);
  const fromZero = expected !== undefined && last < expected && numbering === 'told-or-from-zero';
  const from = told ?? (fromZero ? 0 : first);
  const to = expected === undefined ? Math.max(last, from - 1) : from + expected - 1;
  const outside = tracker.countOutside(from, to);
  const range = expected === 0 ? 'none was announced' : `the announced numbers are ${from} to ${to}`;
  const announced = expected === undefined ? `the first announced number is ${from}` : range;
  const doubts = outside > 0 ? [`${outside} frames have other numbers than announced (${announced})`] : [];
  return verdict(tracker.missingBetween(from, to), { ...numbers, unknown: within(numbers.unknown, from, to) }, doubts);
}

/** Of what is unknown, the part that matters here. */
function within(unknown: UnknownNumbers | undefined, from: number, to: number): UnknownNumbers | undefined {
  if (!unknown || unknown.last < from || unknown.first > to) return undefined;
  const { first, last, missingAtLeast } = unknown;
  const outside = Math.max(0, from - first) + Math.max(0, last - to);
  return { first: Math.max(first, from), last: Math.min(last, to), missingAtLeast: Math.max(0, missingAtLeast - outside) };
}

function withoutNumbers(received: number, expected: number | undefined, first: number | undefined): Verdict {
  if (expected === undefined) {
    const reason =
      received === 0 ? 'no frames came, and no count was announced' : 'its frames carry no numbers, and no count was announced';
    return { state: 'unverifiable', reason };
  }
  if (received === expected) return { state: 'complete' };
  if (received > expected)
    return {
      state: 'unverifiable',
      reason: `${received} frames came without numbers, and ${expected} were announced: some came twice, or the count is wrong`,
    };
  if (received > 0) return { state: 'incomplete', reason: `${received} of ${expected} frames came, without numbers` };
  const missing = first === undefined ? {} : { missing: [[first, first + expected - 1]] as const };
  return { state: 'incomplete', ...missing, reason: `none of ${expected} frames came` };
}
