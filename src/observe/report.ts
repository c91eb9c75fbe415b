import type { SeriesEnding } from '../frame/series.js';
import type { FailOn } from './fail-on.js';
import type { ParametersReport } from './parameters-report.js';

/** What a run says of itself when it ends. The normative text is `docs/reference/report.md`. */
export interface Report {
  readonly version: 2;
  readonly name: string;
  /** Nothing of `failures`: the run is done, and the command ends with 0. */
  readonly ok: boolean;
  /** What makes this run a failed one, beside errors and frames that were owed at the end. */
  readonly failOn: readonly FailOn[];
  /** What went wrong, where, how often, in words. */
  readonly failures: readonly Finding[];
  /** The same for what fails nothing. */
  readonly remarks: readonly Finding[];
  /** Every source's ledger closes: received is the sum of everything else. */
  readonly balanced: boolean;
  readonly durationS: number;
  readonly error?: { readonly code: string; readonly message: string };
  /** Where the drain missed its deadline: frames that were not delivered, by sink. */
  readonly undelivered?: Readonly<Record<string, number>>;
  readonly sources: Readonly<Record<string, SourceReport>>;
  readonly stages: Readonly<Record<string, StageReport>>;
  readonly sinks: Readonly<Record<string, SinkReport>>;
  /** Where dead frames are kept. */
  readonly deadLetters?: DeadLetterReport;
  /** From the last byte received to the resolving of the sink's write, over all sinks; first delivery only. */
  readonly latencyUs: LatencyUs;
  readonly throughput: { readonly framesPerS: number; readonly bytesPerS: number };
}

/** One line of a verdict. */
export interface Finding {
  readonly kind: FailOn | 'error' | 'unbalanced' | 'undelivered' | 'in-flight';
  /** A source or a sink. */
  readonly node?: string;
  readonly count?: number;
  readonly message: string;
}

/** `received = delivered + merged + filtered + dropped + dead + inFlight`, each frame once, by its worst leaf. */
export interface Ledger {
  readonly received: number;
  readonly delivered: number;
  readonly merged: number;
  readonly filtered: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly dead: Readonly<Record<string, number>>;
  readonly inFlight: number;
}

/** Whether the sender's own numbers show a gap. */
export interface Verdict {
  readonly state: 'complete' | 'incomplete' | 'unverifiable';
  /** Ranges of the sender's numbers that never came, first and last inclusive. */
  readonly missing?: readonly (readonly [first: number, last: number])[];
  /** Frames whose number had come before; absent where there are none. */
  readonly repeated?: number;
  readonly reason?: string;
}

/** What a source could not read: whole files, and frames of files that it could open. */
export interface UnreadableReport {
  readonly files: number;
  readonly frames: number;
  /** Files in all. */
  readonly of: number;
  /** The first few. */
  readonly first: readonly { readonly file: string; readonly reason: string }[];
}

export interface SourceReport {
  /** By the branches that are required. */
  readonly ledger: Ledger;
  readonly verdict: Verdict;
  /** Absent where everything could be read. */
  readonly unreadable?: UnreadableReport;
  readonly bytes: number;
  /** Time in which no sender was there, in waits of two seconds at least. Absent: none. */
  readonly outageMs?: number;
  /** Series that have closed, in their order, where the source has any: the last thousand. */
  readonly series?: readonly SeriesReport[];
}

/** One series of a source, closed: nothing of it is under way. */
export interface SeriesReport {
  /** The sender's name of it. */
  readonly id: string | number;
  /** Frames that the sender announced. */
  readonly expected?: number;
  /** The sender's number of its first frame, where it was told. */
  readonly first?: number;
  readonly ended: SeriesEnding;
  readonly ledger: Ledger;
  readonly verdict: Verdict;
}

export interface StageReport {
  readonly frames: number;
  readonly bytes: number;
  /** Share of the workers' time spent in operators, 0 to 1. */
  readonly busy: number;
  /** Workers that were replaced, frames that others did again, frames that were given up as `worker-lost`. */
  readonly restarts: number;
  readonly redispatched: number;
  readonly lost: number;
  /** Ends of series that it handed on without its operators, because too many workers died with them. Absent where there are none. */
  readonly endsGivenUp?: number;
  /** What its operators made of many frames. Absent where none aggregates. */
  readonly aggregates?: AggregatesReport;
  /** What its operators had, from the start on: the hash of a frame resolves here. Absent without operators. */
  readonly parameters?: readonly ParametersReport[];
}

/**
 * What a stage made of many frames, counted in frames that came to it: each one that it took into an aggregate is in one
 * result, or lost, and at the end of a run nothing else is left.
 */
export interface AggregatesReport {
  /** Results that were handed on. */
  readonly results: number;
  /** Frames in these. */
  readonly frames: number;
  /** Frames that are in no result: they were in an aggregate that died or failed. */
  readonly lost: number;
}

/** Frames that died, counted one by one: several may belong to one input, and one input may die at several nodes. */
export interface DeadLetterReport {
  readonly written: number;
  /** The file could not be written. */
  readonly failed: number;
  /** The folder was full. */
  readonly omitted: number;
}

export interface SinkReport {
  /** Whether the ledger of a source counts what became of its frames here. */
  readonly required: boolean;
  /** By source: what became of its frames here. Each closes against what the source received. */
  readonly ledgers: Readonly<Record<string, Ledger>>;
  readonly delivered: number;
  readonly redelivered: number;
  readonly refused: number;
  /** Time in which the sink could not be reached. */
  readonly outageMs: number;
  readonly latencyUs: LatencyUs;
  /** What `delivered` means: `acknowledged` by the system, `written` to a connection, or only `accepted` by a queue. */
  readonly promise: 'acknowledged' | 'written' | 'accepted';
  /** Of a publisher: those that are connected, and the last of those that were. */
  readonly peers?: readonly PeerReport[];
  /** Frames that were accepted and still queued when the sink closed. Absent: none. */
  readonly undelivered?: FrameIds;
  /** Frames that were under way on a connection that broke. Absent: none. */
  readonly lost?: FrameIds;
}

/** What one peer of a sink was given, by messages. */
export interface PeerReport {
  readonly address: string;
  readonly written: number;
  /** Under way or queued when its connection ended. */
  readonly lost: number;
  /** Its queue was full. */
  readonly dropped: number;
}

/** Frames by the sender's numbers. */
export interface FrameIds {
  readonly frames: number;
  /** By source: ranges of numbers, ends included. */
  readonly ranges: Readonly<Record<string, readonly (readonly [first: number, last: number])[]>>;
  /** Frames that the ranges do not list. */
  readonly unlisted?: number;
}

export interface LatencyUs {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** The counters of a run under way. */
export interface Progress {
  readonly received: number;
  readonly delivered: number;
  readonly dropped: number;
  readonly dead: number;
  readonly inFlight: number;
  readonly bytes: number;
  readonly queueDepth: number;
  /** Nodes that wait for the other side, for two seconds at least. */
  readonly waiting?: readonly { readonly node: string; readonly addresses: readonly string[] }[];
}

/** What waits on the edges into a node, in references. */
export interface QueueDepth {
  readonly node: string;
  readonly frames: number;
  /** Most that may wait there. */
  readonly capacity: number;
}
