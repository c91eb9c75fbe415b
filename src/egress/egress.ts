import type { MessagePort } from 'node:worker_threads';
import type { Codec } from '../codecs/codec.js';
import type { DefinitionDocs } from '../errors/definition-docs.js';
import type { Logger } from '../errors/logger.js';
import type { OptionIssue } from '../errors/option-issue.js';
import type { Frame } from '../frame/frame.js';
import type { Series } from '../frame/series.js';
import type { PeerReport } from '../observe/report.js';

/** What became of a batch. Frames that are not listed as refused were delivered. */
export interface Delivery {
  /** Frames that the sink will never take, by index in the batch, with a reason in kebab-case. They are dead; `unread` ones are dropped. */
  readonly refused?: readonly { readonly index: number; readonly reason: RefusedReason; readonly detail: string }[];
  /** How many of the frames the sink had taken before. */
  readonly redelivered?: number;
  /** Frames that are not refused were given a tag (`EgressContext.late`), and are delivered when that is settled so. */
  readonly late?: boolean;
}

/** `lost`: with a connection that broke. `undelivered`: still queued when the sink closed. */
export type LateFate = 'delivered' | 'lost' | 'undelivered';

/** For a sink whose client takes frames later than the sink accepts them. */
export interface LateFrames {
  /** A tag for a frame of the batch: whole numbers that are used again. */
  accept(index: number): number;
  /** Once for each tag, at the latest when the sink closes. */
  settle(tag: number, fate: LateFate): void;
}

export type RefusedReason = 'sink-too-large' | 'sink-refused' | 'encode-failed' | 'unread';

export interface EgressContext {
  /** The sink's name in the pipeline. */
  readonly name: string;
  readonly codec: Codec;
  readonly baseDir: string;
  /** The start of the run, as `{run}` of a path has it. */
  readonly run?: string;
  readonly log: Logger;
  /** Aborted when the drain missed its deadline: a pending `write` must then reject soon. */
  readonly signal: AbortSignal;
  /** Adds to the time in which the sink could not be reached. */
  outage(ms: number): void;
  /** Says that it waits for the other side (the addresses, and since when), or that a wait is over (none, and how long it took). */
  waiting?(addresses: readonly string[], waitedMs: number): void;
  /** Absent where nothing follows what becomes of frames later. */
  readonly late?: LateFrames | undefined;
  /** The line to the embedding program, for the types that have one. */
  readonly port?: MessagePort | undefined;
}

/**
 * Keeps the memory of a frame of the batch beyond the write, until the function that it gives is called, once: the frame is
 * settled with its batch. Undefined: the sink keeps as many as it may.
 */
export type HoldFrame = (index: number) => (() => void) | undefined;

/**
 * A sink at work, in a thread of its own with a live event loop.
 * `write` resolves when the sink has taken the frames in the strongest sense that it offers; until then the frames stay
 * valid, afterwards their memory is another's, unless it was held. What keeps other pointers must be given copies. While the sink is
 * unreachable `write` keeps trying (and reports the outage) until the signal is aborted. Only one `write` is under way.
 */
export interface Egress {
  open(): Promise<void>;
  write(frames: readonly Frame[], hold?: HoldFrame): Promise<Delivery | undefined> | Delivery | undefined;
  /** Before the first frame of a series of a source; after the last one, when nothing of it is under way any more. */
  startSeries?(series: Series): Promise<void> | void;
  endSeries?(series: Series): Promise<void> | void;
  /** Hands over what is still buffered; part of the drain. */
  flush?(): Promise<void>;
  close(): Promise<void>;
  /** Of a publisher: what each of its peers was given; also after the close. */
  peers?(): readonly PeerReport[];
  /** The reader of the standard output has gone: what would be printed there is `unread` from now on. */
  readerGone?(): void;
}

/** What it means that a sink has delivered a frame. */
export type DeliveryPromise =
  /** The system has it, and has said so. */
  | 'acknowledged'
  /** The connection of a peer has taken its last byte. */
  | 'written'
  /** A queue of this process has it: nothing says what becomes of it. */
  | 'accepted';

export interface EgressDefinition<O = Record<string, unknown>> {
  readonly type: string;
  readonly description: string;
  /** For the pages of the reference. */
  readonly docs?: DefinitionDocs;
  /** JSON Schema of the options (without `type`, `from`, `codec`, `overflow`, `capacity`, `order`, `window`, `required`). */
  readonly options: Readonly<Record<string, unknown>>;
  /** Takes a codec (default `array-1.0`). */
  readonly usesCodec: boolean;
  /** Can be opened again, in another thread, when its own died: what that had not committed comes again. */
  readonly restarts?: boolean | ((options: O) => boolean);
  /** What its schema cannot say is wrong with options that the schema accepts. */
  checkOptions?(options: O): readonly OptionIssue[];
  /** What `delivered` means; by default `acknowledged`. */
  promise?(options: O): DeliveryPromise;
  /** Most frames in one `write`; 1 to 64. */
  readonly batch: number;
  /** Most frames that it holds beyond their write; their pools have as many slots more. */
  holds?(options: O): number;
  /** Main thread, once: throws ERR_CONFIG_* when the options cannot be met. */
  check?(options: O, context: { baseDir: string }): void | Promise<void>;
  create(options: O, context: EgressContext): Egress;
}
