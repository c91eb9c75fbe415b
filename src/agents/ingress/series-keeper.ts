import type { SeriesEnding, SeriesMessage } from '../../frame/series.js';
import { isDead, isDrop, OUTCOME, OUTCOME_CODES, outcomeName } from '../../observe/outcome.js';
import type { Ledger, SeriesReport } from '../../observe/report.js';
import { LEDGER } from '../../ring/ring-layout.js';
import { SequenceTracker } from './sequence-tracker.js';
import { type Numbering, verdictOfSeriesNumbers } from './verdict-of-numbers.js';

/** The longest time between two looks at the silence of a series that counts in full. */
const MAX_GAP_MS = 500;

/** A source's ledger at one moment. */
export interface LedgerReading {
  /** Counts, by the words of LEDGER. */
  readonly words: Int32Array;
  /** Frames that `words` counts as merged whose result was lost. */
  readonly partialsLost: number;
  /** Frames that `words` counts as delivered and that a sink lost, or did not deliver. */
  readonly lost: number;
  readonly undelivered: number;
}

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
  /** When `isSilent` was asked last. */
  #lookedMs = performance.now();
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
    const nowMs = performance.now();
    const gapMs = nowMs - this.#lookedMs;
    this.#lookedMs = nowMs;
    if (!this.#open) return false;
    // A process that was stopped could receive nothing: the gap is no silence of the sender.
    if (gapMs > MAX_GAP_MS) this.#open.lastMs = Math.min(nowMs, this.#open.lastMs + gapMs - MAX_GAP_MS);
    return nowMs - this.#open.lastMs > forMs;
  }

  /** What the end of the open series says of it. */
  expect({ expected, first }: SeriesMessage): void {
    if (!this.#open) return;
    if (expected !== undefined) this.#open.expected = expected;
    if (first !== undefined) this.#open.first = first;
  }

  /** Closes the report of the open series. */
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
      verdict: verdictOfSeriesNumbers(open, ledger.received),
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
  let delivered = count(LEDGER.counts + OUTCOME.delivered);
  for (const fate of ['lost', 'undelivered'] as const) {
    const n = Math.min(Math.max(0, after[fate] - before[fate]), delivered);
    delivered -= n;
    if (n > 0) dead[fate] = n;
  }
  return {
    received: count(LEDGER.received),
    delivered,
    merged: merged - lost,
    filtered: count(LEDGER.counts + OUTCOME.filtered),
    dropped,
    dead,
    inFlight: (after.words[LEDGER.records]! - after.words[LEDGER.settled]!) >>> 0,
  };
}
