import type { SeriesEnding, SeriesMessage } from '../frame/series.js';
import { isDead, isDrop, OUTCOME, OUTCOME_CODES, outcomeName } from '../observe/outcome.js';
import type { Ledger, SeriesReport, Verdict } from '../observe/report.js';
import { LEDGER } from '../ring/ring-layout.js';
import { SequenceTracker } from './sequence-tracker.js';

/** A source's ledger at one moment. */
export interface LedgerReading {
  /** Counts, by the words of LEDGER. */
  readonly words: Int32Array;
  /** Frames that `words` counts as merged whose result was lost. */
  readonly partialsLost: number;
}

/** Where the numbers of a series begin, if its start does not say: the wire's may go on or begin anew, those from outside go on. */
export type Numbering = 'told-or-from-zero' | 'from-the-first-that-came';

interface OpenSeries {
  readonly index: number;
  readonly start: SeriesMessage;
  readonly before: LedgerReading;
  readonly numbering: Numbering;
  readonly tracker: SequenceTracker;
  expected: number | undefined;
  first: number | undefined;
  lastMs: number;
}

/**
 * The series of one source, one after the other. A series begins and ends only while nothing of its source is under way,
 * so that its ledger is the difference of two readings of the source's.
 */
export class SeriesKeeper {
  #index = 0;
  #open: OpenSeries | undefined;

  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** Number of the open series; 0: there is none. */
  get index(): number {
    return this.#open?.index ?? 0;
  }

  get id(): string | number | undefined {
    return this.#open?.start.series;
  }

  get nextIndex(): number {
    return this.#index + 1;
  }

  begin(start: SeriesMessage, numbering: Numbering, before: LedgerReading): void {
    this.#index++;
    const { expected, first } = start;
    const tracker = new SequenceTracker();
    this.#open = { index: this.#index, start, before, numbering, tracker, expected, first, lastMs: performance.now() };
  }

  /** A frame of the open series was committed; `sequence`: the sender's number, if it sent one. */
  add(sequence: number | undefined): void {
    if (!this.#open) return;
    if (sequence !== undefined) this.#open.tracker.add(sequence);
    this.#open.lastMs = performance.now();
  }

  /** Whether nothing has come of the open series for so long. */
  isSilent(forMs: number): boolean {
    return this.#open !== undefined && performance.now() - this.#open.lastMs > forMs;
  }

  /** What the end of the open series says of it. */
  expect({ expected, first }: SeriesMessage): void {
    if (!this.#open) return;
    if (expected !== undefined) this.#open.expected = expected;
    if (first !== undefined) this.#open.first = first;
  }

  /** Closes the books of the open series. */
  end(ended: SeriesEnding, after: LedgerReading): SeriesReport {
    const { start, before, expected, first } = this.#open!;
    const open = this.#open!;
    this.#open = undefined;
    const ledger = difference(before, after);
    return {
      id: start.series,
      ...(expected === undefined ? {} : { expected }),
      ...(first === undefined ? {} : { first }),
      ended,
      ledger,
      verdict: verdictOf(open, ledger.received),
    };
  }
}

function difference(before: LedgerReading, after: LedgerReading): Ledger {
  const count = (word: number): number => (after.words[word]! - before.words[word]!) >>> 0;
  const dropped: Record<string, number> = {};
  const dead: Record<string, number> = {};
  for (const code of OUTCOME_CODES) {
    const n = count(LEDGER.counts + code);
    if (n === 0) continue;
    const name = outcomeName(code) as string;
    if (isDrop(code)) dropped[name] = n;
    else if (isDead(code)) dead[name] = n;
  }
  const merged = count(LEDGER.counts + OUTCOME.merged);
  const lost = Math.min((after.partialsLost - before.partialsLost) | 0, merged);
  if (lost > 0) dead['partial-lost'] = lost;
  return {
    received: count(LEDGER.received),
    delivered: count(LEDGER.counts + OUTCOME.delivered),
    merged: merged - lost,
    filtered: count(LEDGER.counts + OUTCOME.filtered),
    dropped,
    dead,
    inFlight: (after.words[LEDGER.records]! - after.words[LEDGER.settled]!) >>> 0,
  };
}

/**
 * By the numbers of the sender, the first one and the count that were announced. Without a first one the numbers may begin at
 * 0 with each series, or go on from the last one: where all that came are below the announced count, the series should be 0
 * to count - 1, else so many from the first that came. Of a series that was begun from outside only the latter can be.
 */
function verdictOf({ tracker, expected, first: told, numbering }: OpenSeries, received: number): Verdict {
  const { numbered, missing, unlisted, first, last } = tracker.verdict;
  if (numbered === 0) {
    if (expected === undefined) return { state: 'unverifiable', reason: 'its frames carry no numbers, and no count was announced' };
    return received === expected
      ? { state: 'complete' }
      : { state: 'incomplete', reason: `${received} of ${expected} frames came, without numbers` };
  }
  const ranges = missing.map((range) => [...range] as [number, number]);
  const fromZero = expected !== undefined && last < expected && numbering === 'told-or-from-zero';
  const from = told ?? (fromZero ? 0 : first);
  if (first > from) ranges.unshift([from, first - 1]);
  if (expected !== undefined && last < from + expected - 1) ranges.push([Math.max(last + 1, from), from + expected - 1]);
  if (ranges.length === 0 && unlisted === 0) return { state: 'complete' };
  return { state: 'incomplete', missing: ranges, ...(unlisted > 0 ? { reason: `${unlisted} more gaps are not listed` } : {}) };
}
