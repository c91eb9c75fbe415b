import type { MessagePort } from 'node:worker_threads';
import type { Codec } from '../codecs/codec.js';
import type { Logger } from '../errors/logger.js';
import type { OptionIssue } from '../errors/option-issue.js';
import type { Frame } from '../frame/frame.js';
import type { Series } from '../frame/series.js';

/** What became of a batch. Frames that are not listed as refused were delivered. */
export interface Delivery {
  /** Frames that the sink will never take, by index in the batch, with a reason in kebab-case. They are dead. */
  readonly refused?: readonly { readonly index: number; readonly reason: RefusedReason; readonly detail: string }[];
  /** How many of the frames the sink had taken before. */
  readonly redelivered?: number;
}

export type RefusedReason = 'sink-too-large' | 'sink-refused' | 'encode-failed';

export interface EgressContext {
  /** The sink's name in the pipeline. */
  readonly name: string;
  readonly codec: Codec;
  readonly baseDir: string;
  readonly log: Logger;
  /** Aborted when the drain missed its deadline: a pending `write` must then reject soon. */
  readonly signal: AbortSignal;
  /** Adds to the time in which the sink could not be reached. */
  outage(ms: number): void;
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
}

export interface EgressDefinition<O = Record<string, unknown>> {
  readonly type: string;
  readonly description: string;
  /** JSON Schema of the options (without `type`, `from`, `codec`, `overflow`, `capacity`, `order`, `window`, `required`). */
  readonly options: Readonly<Record<string, unknown>>;
  /** Takes a codec (default `array-1.0`). */
  readonly usesCodec: boolean;
  /** Can be opened again, in another thread, when its own died: what that had not committed comes again. */
  readonly restarts?: boolean | ((options: O) => boolean);
  /** What its schema cannot say is wrong with options that the schema accepts. */
  checkOptions?(options: O): readonly OptionIssue[];
  /** Most frames in one `write`; 1 to 64. */
  readonly batch: number;
  /** Most frames that it holds beyond their write; their pools have as many slots more. */
  holds?(options: O): number;
  /** Main thread, once: throws ERR_CONFIG_* when the options cannot be met. */
  check?(options: O, context: { baseDir: string }): void | Promise<void>;
  create(options: O, context: EgressContext): Egress;
}
