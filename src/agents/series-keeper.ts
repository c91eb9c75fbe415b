import type { SeriesEnding, SeriesMessage } from '../frame/series.js';
import { isDead, isDrop, OUTCOME, OUTCOME_CODES, outcomeName } from '../observe/outcome.js';
import type { Ledger, SeriesReport, Verdict } from '../observe/report.js';
import { LEDGER } from '../ring/ring-layout.js';
import { SequenceTracker } from './sequence-tracker.js';

/** Counts of a source's ledger at one moment, by word. */
export type LedgerWords = Int32Array;

interface OpenSeries {
  readonly index: number;
  readonly start: SeriesMessage;
  readonly before: LedgerWords;
  readonly tracker: SequenceTracker;
  expected: number | undefined;
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

  begin(start: SeriesMessage, before: LedgerWords): void {
    this.#index++;
    this.#open = { index: this.#index, start, before, tracker: new SequenceTracker(), expected: start.expected, lastMs: performance.now() };
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

  expect(frames: number | undefined): void {
    if (this.#open && frames !== undefined) this.#open.expected = frames;
  }

  /** Closes the books of the open series. */
  end(ended: SeriesEnding, after: LedgerWords): SeriesReport {
    const { start, before, tracker, expected } = this.#open!;
    this.#open = undefined;
    const ledger = difference(before, after);
    return {
      id: start.series,
      ...(expected === undefined ? {} : { expected }),
      ended,
      ledger,
      verdict: verdictOf(tracker, expected, ledger.received),
    };
  }
}

function difference(before: LedgerWords, after: LedgerWords): Ledger {
  const count = (word: number): number => (after[word]! - before[word]!) >>> 0;
  const dropped: Record<string, number> = {};
  const dead: Record<string, number> = {};
  for (const code of OUTCOME_CODES) {
    const n = count(LEDGER.counts + code);
    if (n === 0) continue;
    const name = outcomeName(code) as string;
    if (isDrop(code)) dropped[name] = n;
    else if (isDead(code)) dead[name] = n;
  }
  return {
    received: count(LEDGER.received),
    delivered: count(LEDGER.counts + OUTCOME.delivered),
    merged: count(LEDGER.counts + OUTCOME.merged),
    filtered: count(LEDGER.counts + OUTCOME.filtered),
    dropped,
    dead,
    inFlight: (after[LEDGER.records]! - after[LEDGER.settled]!) >>> 0,
  };
}

/**
 * By the numbers of the sender and the count that it announced. Numbers may begin at 0 with each series, or go on from the
 * last one: where all that came are below the announced count, the series should be 0 to count - 1, else so many from the first.
 */
function verdictOf(tracker: SequenceTracker, expected: number | undefined, received: number): Verdict {
  const { numbered, missing, unlisted, first, last } = tracker.verdict;
  if (numbered === 0) {
    if (expected === undefined) return { state: 'unverifiable', reason: 'its frames carry no numbers, and no count was announced' };
    return received === expected
      ? { state: 'complete' }
      : { state: 'incomplete', reason: `${received} of ${expected} frames came, without numbers` };
  }
  const ranges = missing.map((range) => [...range] as [number, number]);
  if (expected !== undefined) {
    const from = last < expected ? 0 : first;
    if (first > from) ranges.unshift([from, first - 1]);
    if (last < from + expected - 1) ranges.push([last + 1, from + expected - 1]);
  }
  if (ranges.length === 0 && unlisted === 0) return { state: 'complete' };
  return { state: 'incomplete', missing: ranges, ...(unlisted > 0 ? { reason: `${unlisted} more gaps are not listed` } : {}) };
}
