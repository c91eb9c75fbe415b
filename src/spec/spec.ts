import type { Place } from '../errors/errors.js';
import type { FailOn } from '../observe/fail-on.js';

/**
 * A pipeline, checked and with every default filled in: what the file, the builder and `relay` all come down to.
 * Plain data; a copy by `structuredClone` or JSON means the same. The normative table is `docs/reference/pipeline.md`.
 */
export interface PipelineSpec {
  readonly version: 1;
  readonly name: string;
  readonly sources: Readonly<Record<string, SourceSpec>>;
  readonly stages: Readonly<Record<string, StageSpec>>;
  readonly sinks: Readonly<Record<string, SinkSpec>>;
  /** Absent: no metrics are served. */
  readonly metrics?: { readonly port: number; readonly host?: string };
  /** Absent: dead frames are counted and not kept. */
  readonly deadLetters?: DeadLettersSpec;
  /** Most shared memory, in bytes; absent: a quarter of what the machine or container has, at most 4 GiB. */
  readonly memoryBytes?: number;
  readonly drainMs: number;
  /** What makes a run a failed one, beside errors and frames that are owed at its end. */
  readonly failOn: readonly FailOn[];
  /** Absolute path of the folder against which relative paths are resolved. */
  readonly baseDir: string;
}

export interface DeadLettersSpec {
  /** Folder of the letters, relative to `baseDir`. It is made where it is missing. */
  readonly directory: string;
  /** Most letters that it may hold; what dies beyond that is counted and not written. */
  readonly maxFiles: number;
  readonly place?: Place;
}

export interface SourceSpec {
  readonly type: string;
  /** The options of the type itself, as its schema names them. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Name of a codec. A source whose type takes none ignores it. */
  readonly codec: string;
  /** Largest payload in bytes; absent: what the source knows, else the plan chooses it to fit the memory. */
  readonly maxFrameBytes?: number;
  /** Slots of this source's pool; absent: the plan computes them. */
  readonly slots?: number;
  /** A series of which nothing comes for so long ends; absent: it waits. */
  readonly seriesTimeoutMs?: number;
  /** Small messages travel as records of parcels; absent: each is a separate frame. */
  readonly parcel?: ParcelSpec;
  readonly place?: Place;
}

export interface ParcelSpec {
  /** Size of a parcel, heads of records included. */
  readonly bytes: number;
  /** Longest time that a record waits for others, in microseconds. */
  readonly waitUs: number;
}

export type OverflowKind = 'block' | 'drop-newest' | 'drop-oldest' | 'latest' | 'sample';

/** What the edge into a node does when it is full. */
export interface Overflow {
  readonly kind: OverflowKind;
  /** With `sample`: ordinals divisible by `n` are kept. */
  readonly n?: number;
}

export type EdgeOrder = 'preserve' | 'none';

/** The edge into a stage or sink. */
export interface EdgeSpec {
  /** Names of sources and stages, each once. */
  readonly from: readonly string[];
  readonly overflow: Overflow;
  /** Most references that wait on the edge. */
  readonly capacity: number;
  /** Whether the pipeline names a capacity, or has the default. */
  readonly capacityGiven: boolean;
  readonly order: EdgeOrder;
  /** Cells per source of an ordered edge; absent: DEFAULTS.window of the stages before. */
  readonly window?: number;
  readonly place?: Place;
}

/** What decides which worker of a keyed stage takes a frame. */
export type KeySpec =
  | { readonly kind: 'source' }
  /** Blocks of this many consecutive ordinals. */
  | { readonly kind: 'ordinal'; readonly block: number }
  /** The value of a key of the meta. */
  | { readonly kind: 'meta'; readonly name: string };

export interface StageSpec extends EdgeSpec {
  readonly workers: number;
  /** One worker, and no more may be asked for. */
  readonly exclusive: boolean;
  /** Absent: any worker takes the next frame. */
  readonly key?: KeySpec;
  /** Partials are by ordinal, `shards` of them, and merged in their order: the same bits whatever the number of workers. */
  readonly deterministic: boolean;
  readonly shards: number;
  /** How often a frame is tried before it is dead. */
  readonly attempts: number;
  /** A worker that is longer than this on one frame is taken for stuck. */
  readonly stallMs: number;
  /** A worker that takes longer than this to set up its operators is taken for stuck. */
  readonly setupMs: number;
  /** Frames under way at once in one worker, where an operator is asynchronous. */
  readonly concurrency: number;
  /** Slots of this stage's pool; absent: the plan computes them. */
  readonly slots?: number;
  readonly operators: readonly OperatorSpec[];
}

export interface OperatorSpec {
  /** A built-in type, or the path of a module (see `isModulePath`), relative to `baseDir`. */
  readonly type: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly place?: Place;
}

export interface SinkSpec extends EdgeSpec {
  readonly type: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Name of a codec. A sink whose type takes none ignores it. */
  readonly codec: string;
  /** When it fails, the run has failed. */
  readonly required: boolean;
}

/** The defaults, frozen with version 1. */
export const DEFAULTS = {
  name: 'pipeline',
  codec: 'array-1.0',
  overflow: 'block',
  capacity: 64,
  order: 'preserve',
  workers: 1,
  exclusive: false,
  deterministic: false,
  shards: 8,
  attempts: 3,
  stallMs: 30_000,
  setupMs: 60_000,
  concurrency: 8,
  required: true,
  drainMs: 30_000,
  metricsHost: '127.0.0.1',
  maxLetters: 10_000,
  parcelBytes: 64 * 1024,
  parcelWaitUs: 500,
  /** Cells per source of an ordered edge behind stages with that many workers in all (a source counts as one). */
  window: (workersBefore: number): number => Math.max(8, 4 * workersBefore),
} as const;

/** Whether each worker of a stage has its own edge, chosen by the sender. */
export function isKeyed({ key, deterministic }: StageSpec): boolean {
  return key !== undefined || deterministic;
}

/** Whether an operator's `type` is the path of a module, rather than the name of a built-in. */
export function isModulePath(type: string): boolean {
  return type.startsWith('./') || type.startsWith('../') || type.startsWith('/') || type.startsWith('file:');
}
