import type { SeriesEnding } from '../frame/series.js';
import type { FailOn } from './fail-on.js';
import type { ParametersReport } from './parameters-report.js';

/** The report of a run at its end. The normative text is `docs/reference/report.md`. */
export interface Report {
  readonly version: 2;
  readonly name: string;
  /** True if `failures` is empty: the run is done, and the command exits with 0. */
  readonly ok: boolean;
  /** Findings that fail this run, besides errors and undelivered frames. */
  readonly failOn: readonly FailOn[];
  /** What went wrong, where, and how often, as text. */
  readonly failures: readonly Finding[];
  /** The same for findings that do not fail the run. */
  readonly remarks: readonly Finding[];
  /** Every source's ledger balances: received equals the sum of all outcomes. */
  readonly balanced: boolean;
  readonly durationS: number;
  readonly error?: { readonly code: string; readonly message: string };
  /** If the drain missed its deadline: undelivered frames, by sink. */
  readonly undelivered?: Readonly<Record<string, number>>;
  readonly sources: Readonly<Record<string, SourceReport>>;
  readonly stages: Readonly<Record<string, StageReport>>;
  readonly sinks: Readonly<Record<string, SinkReport>>;
  /** The folder of dead frames. */
  readonly deadLetters?: DeadLetterReport;
  /** From the last byte received to the end of the sink's write, over all sinks; first delivery only. */
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

/**
 * `received = delivered + merged + filtered + dropped + dead + inFlight`; each frame counts once, by its worst leaf.
 */
export interface Ledger {
  readonly received: number;
  readonly delivered: number;
  readonly merged: number;
  readonly filtered: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly dead: Readonly<Record<string, number>>;
  readonly inFlight: number;
}

/** Whether the sender's numbers have gaps. */
export interface Verdict {
  readonly state: 'complete' | 'incomplete' | 'unverifiable';
  /** Ranges of the sender's numbers that never arrived, first and last inclusive. */
  readonly missing?: readonly (readonly [first: number, last: number])[];
  /** Frames with a repeated number; absent if none. */
  readonly repeated?: number;
  readonly reason?: string;
}

/** Files that a source could not read, and unreadable frames of files that it could open. */
export interface UnreadableReport {
  readonly files: number;
  readonly frames: number;
  /** Number of files in total. */
  readonly of: number;
  /** The first few. */
  readonly first: readonly { readonly file: string; readonly reason: string }[];
}

export interface SourceReport {
  /** Counts only the required branches. */
  readonly ledger: Ledger;
  readonly verdict: Verdict;
  /** Absent if everything could be read. */
  readonly unreadable?: UnreadableReport;
  readonly bytes: number;
  /** Time without a sender, counting only waits of at least two seconds. Absent if none. */
  readonly outageMs?: number;
  /** Closed series in order, if the source has series: the last thousand. */
  readonly series?: readonly SeriesReport[];
}

/** One closed series of a source: none of its frames is in flight. */
export interface SeriesReport {
  /** The sender's name of the series. */
  readonly id: string | number;
  /** Frames that the sender announced. */
  readonly expected?: number;
  /** The sender's number of its first frame, if known. */
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
  /** Workers that were replaced, frames that were processed again, and frames that were given up as `worker-lost`. */
  readonly restarts: number;
  readonly redispatched: number;
  readonly lost: number;
  /**
   * Ends of series that the stage passed on without its operators, because too many workers crashed on them. Absent if
   * none.
   */
  readonly endsGivenUp?: number;
  /** Results that its operators made from many frames. Absent if no operator aggregates. */
  readonly aggregates?: AggregatesReport;
  /** Parameters of its operators from the start on: resolves the hash of a frame. Absent without operators. */
  readonly parameters?: readonly ParametersReport[];
}

/**
 * The aggregates of a stage, counted in input frames: each frame taken into an aggregate is in one result or lost, and
 * at the end of a run no others remain.
 */
export interface AggregatesReport {
  /** Results that were passed on. */
  readonly results: number;
  /** Frames in these results. */
  readonly frames: number;
  /** Frames in no result: their aggregate crashed or failed. */
  readonly lost: number;
}

/** Frames that died, counted singly: several may belong to one input, and one input may die at several nodes. */
export interface DeadLetterReport {
  readonly written: number;
  /** Not written, because of an error. */
  readonly failed: number;
  /** Not written, because the folder was full. */
  readonly omitted: number;
}

export interface SinkReport {
  /** Whether the ledger of a source counts the outcomes at this sink. */
  readonly required: boolean;
  /** By source: outcomes of its frames at this sink. Each balances against the frames that the source received. */
  readonly ledgers: Readonly<Record<string, Ledger>>;
  readonly delivered: number;
  readonly redelivered: number;
  readonly refused: number;
  /** Time in which the sink could not be reached. */
  readonly outageMs: number;
  readonly latencyUs: LatencyUs;
  /**
   * The meaning of `delivered`: `acknowledged` by the system, `written` to a connection, or only `accepted` by a queue.
   */
  readonly promise: 'acknowledged' | 'written' | 'accepted';
  /** For a publisher: current subscribers, and the most recent former ones. */
  readonly peers?: readonly PeerReport[];
  /** Frames that were accepted and still queued when the sink closed. Absent if none. */
  readonly undelivered?: FrameIds;
  /** Frames in transit on a connection that broke. Absent if none. */
  readonly lost?: FrameIds;
}

/** Messages sent to one peer of a sink. */
export interface PeerReport {
  readonly address: string;
  readonly written: number;
  /** In transit or queued when its connection ended. */
  readonly lost: number;
  /** Its queue was full. */
  readonly dropped: number;
}

/** Frames by the sender's numbers. */
export interface FrameIds {
  readonly frames: number;
  /** By source: ranges of numbers, both ends inclusive. */
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

/** The counters of a run in progress. */
export interface Progress {
  readonly received: number;
  readonly delivered: number;
  readonly dropped: number;
  readonly dead: number;
  readonly inFlight: number;
  readonly bytes: number;
  readonly queueDepth: number;
  /** Nodes that have waited for their peer for at least two seconds. */
  readonly waiting?: readonly { readonly node: string; readonly addresses: readonly string[] }[];
}

/** References that wait on the edges into a node. */
export interface QueueDepth {
  readonly node: string;
  readonly frames: number;
  /** Maximum that can wait there. */
  readonly capacity: number;
}
