import type { MessagePort } from 'node:worker_threads';
import type { SeriesMessage } from '../../frame/series.js';
import type { LateReport } from '../../observe/late-report.js';
import type { ProfileSample } from '../../observe/profile-sample.js';
import type { PeerReport, SeriesReport } from '../../observe/report.js';
import type { SequenceVerdict } from '../../observe/sequence-verdict.js';
import type { FaultInjection } from '../../plan/fault-injection.js';
import type { Plan } from '../../plan/plan-types.js';
import type { SinkSpec, SourceSpec } from '../../spec/spec.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Messages from a thread to the main thread. */
export type FromThread =
  /** A worker of the pool makes operators: at its start, and for new parameters. Then `ready` follows. */
  | { readonly kind: 'making'; readonly threadId: number }
  | { readonly kind: 'ready' }
  /** A worker of the pool has handed on its last frame and holds nothing. Its operators are still to be closed. */
  | { readonly kind: 'left' }
  /** An ingress has read its last message, and waits for what is under way. */
  | { readonly kind: 'ending' }
  | { readonly kind: 'series'; readonly report: SeriesReport }
  /** `report`: of the series that this closed. */
  | { readonly kind: 'series-done'; readonly request: number; readonly report?: SeriesReport; readonly error?: ThreadError }
  /** An ingress has handed on its last frame; a sink has taken and flushed everything. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'settled'; readonly sequences: SequenceVerdict }
  | { readonly kind: 'closed' }
  /** It waits for the other side; without addresses: the wait is over. */
  | { readonly kind: 'waiting'; readonly addresses: readonly string[]; readonly waitedMs: number }
  /** What a sink had accepted and did not deliver, and what each of its peers was given. */
  | { readonly kind: 'late'; readonly report: LateReport; readonly peers: readonly PeerReport[] }
  /** A source could not read a file, or a frame of one. */
  | { readonly kind: 'unreadable'; readonly file: string; readonly reason: string; readonly whole: boolean; readonly of: number }
  /** The answer to `sample`: the last frame of the next batch, if that is a profile. */
  | { readonly kind: 'sample'; readonly profile?: ProfileSample }
  | { readonly kind: 'failed'; readonly error: ThreadError }
  | { readonly kind: 'log'; readonly level: LogLevel; readonly fields: object; readonly message: string };

export interface ThreadError {
  readonly code: string;
  readonly message: string;
  readonly stack?: string | undefined;
}

/** Messages from the main thread to an ingress or egress thread. */
export type ToThread = 'run' | 'stop' | 'settle' | 'abort' | 'close' | 'reader-gone' | 'sample' | SeriesCommand;

/** To an ingress: begin or end a series; answered by `series-done` with the same `request`. */
export interface SeriesCommand {
  readonly kind: 'series-command';
  readonly request: number;
  /** Of an end: absent, whichever series is open. */
  readonly start?: SeriesMessage;
  readonly end?: string | number;
}

export interface ThreadData {
  readonly memory: WebAssembly.Memory;
  readonly plan: Plan;
  readonly thread: number;
  readonly baseDir: string;
  /** The start of the run, as `{run}` of a path has it. */
  readonly run?: string;
  readonly name: string;
  /** The line to the embedding program. */
  readonly port?: MessagePort;
}

/** What is left to do for the thread of a source: all of it, no more than the end (the run stops), or only the count of what is settled. */
export type SourceTask = 'run' | 'finish' | 'settle';

export interface IngressThreadData extends ThreadData {
  readonly spec: SourceSpec;
  readonly task: SourceTask;
}

export interface EgressThreadData extends ThreadData {
  readonly spec: SinkSpec;
}

/** The end of a task of the pool: `error` is what its loop threw, if it did; then the thread lives on and can be leased again. */
export interface TaskResult {
  readonly error?: ThreadError;
}

/** What one long-running task of the pool is given. */
export interface OperatorTask extends ThreadData {
  readonly worker: number;
  readonly fault?: FaultInjection;
  readonly port: MessagePort;
}
