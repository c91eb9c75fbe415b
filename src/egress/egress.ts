import type { MessagePort } from 'node:worker_threads';
import type { Codec } from '../codecs/codec.js';
import type { DefinitionDocs } from '../errors/definition-docs.js';
import type { Logger } from '../errors/logger.js';
import type { OptionIssue } from '../errors/option-issue.js';
import type { Frame } from '../frame/frame.js';
import type { Series } from '../frame/series.js';
import type { PeerReport } from '../observe/report.js';
import type { AddressForm } from '../transports/relay-address.js';

/** The outcome of a batch. Frames that are not listed as refused were delivered. */
export interface Delivery {
  /**
   * Frames that the sink rejects permanently, by index in the batch, with a reason in kebab-case. They are dead;
   * `unread` frames are dropped.
   */
  readonly refused?: readonly { readonly index: number; readonly reason: RefusedReason; readonly detail: string }[];
  /** Number of frames that the sink had already taken. */
  readonly redelivered?: number;
  /**
   * Frames that were not refused have a tag (`EgressContext.late`), and are delivered when the tag is settled as
   * delivered.
   */
  readonly late?: boolean;
}

/** `lost`: with a connection that broke. `undelivered`: still queued when the sink closed. */
export type LateFate = 'delivered' | 'lost' | 'undelivered';

/** For a sink whose client takes frames later than the sink accepts them. */
export interface LateFrames {
  /** A tag for a frame of the batch: an integer that is reused. */
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
  /** The start of the run, in the form of `{run}` in a path. */
  readonly run?: string;
  readonly log: Logger;
  /** Aborted when the drain missed its deadline: a pending `write` must then reject soon. */
  readonly signal: AbortSignal;
  /** Adds to the time in which the sink could not be reached. */
  outage(ms: number): void;
  /**
   * Reports a wait for the peer (its addresses, and the start), or the end of a wait (no addresses, and its length).
   */
  waiting?(addresses: readonly string[], waitedMs: number): void;
  /** Absent when nothing follows the outcome of frames after the write. */
  readonly late?: LateFrames | undefined;
  /** The channel to the embedding program, for types that have one. */
  readonly port?: MessagePort | undefined;
}

/**
 * Keeps the memory of a frame of the batch after the write, until the returned function is called once: the frame is
 * settled with its batch. Undefined: the sink already keeps its maximum.
 */
export type HoldFrame = (index: number) => (() => void) | undefined;

/**
 * An open sink, in a thread of its own with a live event loop.
 * `write` resolves when the sink has taken the frames in the strongest sense that it offers. Until then the frames stay
 * valid; afterwards their memory is reused unless it was held, so code that keeps pointers needs copies. While the sink
 * is unreachable, `write` retries (and reports the outage) until the signal is aborted. Only one `write` runs at a
 * time.
 */
export interface Egress {
  open(): Promise<void>;
  write(frames: readonly Frame[], hold?: HoldFrame): Promise<Delivery | undefined> | Delivery | undefined;
  /**
   * Called before the first frame of a series of a source, and after the last, when none of its frames is in flight.
   */
  startSeries?(series: Series): Promise<void> | void;
  endSeries?(series: Series): Promise<void> | void;
  /** Sends what is still buffered; part of the drain. */
  flush?(): Promise<void>;
  close(): Promise<void>;
  /** For a publisher: the messages sent to each peer; also valid after close. */
  peers?(): readonly PeerReport[];
  /** The reader of standard output has closed it: frames to be printed there are `unread` from now on. */
  readerGone?(): void;
}

/** What delivery of a frame means for a sink. */
export type DeliveryPromise =
  /** The system has it and has acknowledged it. */
  | 'acknowledged'
  /** The connection of a peer has taken its last byte. */
  | 'written'
  /** A queue of this process has it; its further outcome is unknown. */
  | 'accepted';

export interface EgressDefinition<O = Record<string, unknown>> {
  /** Name of a built-in sink. A pipeline names a module by its path. */
  readonly type: string;
  readonly description: string;
  /** For the pages of the reference. */
  readonly docs?: DefinitionDocs;
  /** Of a sink in a module of its own: `import.meta.url`. The builder needs it to load the sink in its thread. */
  readonly module?: string | URL;
  /** Its address on the command line of `relay`; default: `TYPE:?key=value`. False: only a program can use it. */
  readonly address?: AddressForm | false;
  /** Packages that it loads when they are needed; `millrace info` prints their versions. */
  readonly clients?: readonly string[];
  /** JSON Schema of the options (without `type`, `from`, `codec`, `overflow`, `capacity`, `order`, `window`, `required`). */
  readonly options: Readonly<Record<string, unknown>>;
  /** Takes a codec (default `array-1.0`). */
  readonly usesCodec?: boolean;
  /** Can be reopened in another thread when its thread died: frames that were not committed are written again. */
  readonly restarts?: boolean | ((options: O) => boolean);
  /** Finds mistakes in options that its schema accepts but cannot check. */
  checkOptions?(options: O): readonly OptionIssue[];
  /** The meaning of `delivered`; by default `acknowledged`. */
  promise?(options: O): DeliveryPromise;
  /** Maximum frames in one `write`; 1 to 64. Default: 1. */
  readonly batch?: number;
  /** Maximum frames held after their write; their pools have this many additional slots. */
  holds?(options: O): number;
  /** Called once on the main thread: throws ERR_CONFIG_* when the options cannot be satisfied. */
  check?(options: O, context: { baseDir: string }): void | Promise<void>;
  create(options: O, context: EgressContext): Egress;
}

/** Types the options of a sink; the default export of a sink module. */
export function defineSink<O = Record<string, unknown>>(definition: EgressDefinition<O>): EgressDefinition<O> {
  return definition;
}
