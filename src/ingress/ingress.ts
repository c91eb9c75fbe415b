import type { MessagePort } from 'node:worker_threads';
import type { Codec } from '../codecs/codec.js';
import type { DefinitionDocs } from '../errors/definition-docs.js';
import type { Logger } from '../errors/logger.js';
import type { OptionIssue } from '../errors/option-issue.js';
import type { DType } from '../frame/dtype.js';
import type { FrameHeader } from '../frame/frame.js';
import type { SeriesMessage } from '../frame/series.js';
import type { AddressForm } from '../transports/relay-address.js';

/** Why a message was not accepted as a frame; counted as received and dead. */
export type RefuseReason = 'malformed' | 'wrong-parts' | 'too-large';

/** A claimed slot: fill `bytes`, then commit or abort, once. */
export interface OpenSlot {
  /** Exactly the bytes that the header announced, in shared memory. */
  readonly bytes: Uint8Array;
  /**
   * Publishes the frame. Returns a promise when a blocking edge is full or a series ends: await it before the next
   * claim.
   */
  commit(): Promise<void> | undefined;
  /** Returns the slot; the frame does not count as received. */
  abort(): void;
}

/** A slot for data that is still to arrive. Commit or return it, once. */
export interface LentSlot {
  /** The place of the data, in shared memory. */
  readonly bytes: Buffer;
  /** All data has arrived: the slot will soon be committed or returned. */
  arrived(): void;
  /** Publishes the frame with exactly these bytes; as `FrameWriter.write`. */
  commit(header: FrameHeader): Promise<boolean> | boolean;
  giveBack(): void;
}

/** The interface through which an ingress writes frames. One claim at a time. */
export interface FrameWriter {
  /** Maximum payload in bytes. */
  readonly maxBytes: number;
  /**
   * A slot for one frame, or undefined when none is free (back-pressure): await `ready()` and try again. Throws
   * ERR_MESSAGE_TOO_LARGE for a payload over `maxBytes`.
   */
  claim(header: FrameHeader): OpenSlot | undefined;
  /**
   * Throws ERR_MESSAGE_TOO_LARGE, with the sizes, for a frame that `claim` would refuse and `write` would count as too
   * large.
   */
  fits?(header: FrameHeader): void;
  /** Resolves when a claim may succeed again, or when the writer stops (the signal of `run` is then aborted). */
  ready(): Promise<void>;
  /**
   * Claims, copies and commits, waiting if necessary. Resolves false when the signal was aborted before the frame was
   * taken. A frame that is too large is refused and counted.
   */
  write(header: FrameHeader, data: Uint8Array): Promise<boolean> | boolean;
  /**
   * A slot for the data of a frame that is still to arrive, in addition to the one claim; several may be lent.
   * Undefined: use memory of your own (a writer without the method has none). Null: none is free; ask again after
   * `ready()`.
   */
  lend?(lengthBytes: number): LentSlot | undefined | null;
  /**
   * The frames that follow belong to a new series; an open series ends as superseded. Resolves when all earlier frames
   * are settled and the operators have passed on what they held of them; resolves false when the run was given up
   * first. A slot that is claimed meanwhile and committed later belongs to the new series (ERR_STATE where it is the
   * only slot, or a record of a parcel). Rejects with ERR_MESSAGE_TOO_LARGE for a start whose JSON is over 8 KiB.
   */
  startSeries(start: SeriesMessage): Promise<boolean>;
  /** Ends the open series if it has this name. Resolves as `startSeries` does. */
  endSeries(end: SeriesMessage): Promise<boolean>;
  /** Counts a message that did not become a frame, and logs it at a limited rate. */
  refuse(reason: RefuseReason, detail: string): void;
}

export interface IngressContext {
  /** The source's name in the pipeline. */
  readonly name: string;
  readonly codec: Codec;
  readonly baseDir: string;
  readonly log: Logger;
  /**
   * Reports a wait for the peer (its addresses, and the start), or the end of a wait (no addresses, and its length).
   */
  waiting?(addresses: readonly string[], waitedMs: number): void;
  /**
   * Counts a file that cannot be opened (`whole`), or a frame in a file that cannot be read; `of`: number of files.
   * Used in addition to `refuse`.
   */
  unreadable?(what: { readonly file: string; readonly reason: string; readonly whole: boolean; readonly of: number }): void;
  /** Maximum payload of a frame, in bytes. */
  readonly maxFrameBytes: number;
  /** Messages that an earlier thread had received, including refused ones, until it died. */
  readonly resumeAt?: number;
  /** The channel to the embedding program, for types that have one. */
  readonly port?: MessagePort | undefined;
}

/** An open source, in a thread of its own with a live event loop. */
export interface Ingress {
  open(): Promise<void>;
  /**
   * Runs until the source ends (resolves) or the signal asks it to stop reading (resolves soon). Rejects when the
   * source fails.
   */
  run(out: FrameWriter, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** The information that a source gives the planner, on the main thread. */
export interface SourcePlan {
  /** Largest payload in bytes, where the source knows it. Else `maxFrame` of the pipeline, or what the plan chooses. */
  readonly maxFrameBytes?: number;
  readonly shape?: readonly number[];
  readonly dtype?: DType;
}

export interface IngressDefinition<O = Record<string, unknown>> {
  /** Name of a built-in source. A pipeline names a module by its path. */
  readonly type: string;
  readonly description: string;
  /** For the pages of the reference. */
  readonly docs?: DefinitionDocs;
  /** Of a source in a module of its own: `import.meta.url`. The builder needs it to load the source in its thread. */
  readonly module?: string | URL;
  /** Its address on the command line of `relay`; default: `TYPE:?key=value`. False: only a program can use it. */
  readonly address?: AddressForm | false;
  /** Packages that it loads when they are needed; `millrace info` prints their versions. */
  readonly clients?: readonly string[];
  /** JSON Schema of the options (without `type`, `codec`, `maxFrame`, `slots`). */
  readonly options: Readonly<Record<string, unknown>>;
  /** Takes a codec (default `array-1.0`); other sources know their own format. */
  readonly usesCodec?: boolean;
  /** Can continue in another thread, after the number of messages (`resumeAt`) that its last thread had counted. */
  readonly restarts?: boolean | ((options: O) => boolean);
  /** Finds mistakes in options that its schema accepts but cannot check. */
  checkOptions?(options: O): readonly OptionIssue[];
  /** Maximum slots that it borrows for arriving data; its pool has this many additional slots. */
  lends?(options: O): number;
  /** Called once on the main thread; may open files. Throws ERR_CONFIG_* when the options cannot be satisfied. */
  plan?(options: O, context: { baseDir: string }): SourcePlan | Promise<SourcePlan>;
  create(options: O, context: IngressContext): Ingress;
}

/** Types the options of a source; the default export of a source module. */
export function defineSource<O = Record<string, unknown>>(definition: IngressDefinition<O>): IngressDefinition<O> {
  return definition;
}
