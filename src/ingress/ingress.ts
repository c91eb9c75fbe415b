import type { MessagePort } from 'node:worker_threads';
import type { Codec } from '../codecs/codec.js';
import type { DefinitionDocs } from '../errors/definition-docs.js';
import type { Logger } from '../errors/logger.js';
import type { OptionIssue } from '../errors/option-issue.js';
import type { DType } from '../frame/dtype.js';
import type { FrameHeader } from '../frame/frame.js';
import type { SeriesMessage } from '../frame/series.js';

/** Why a message became no frame; counted as received and dead. */
export type RefuseReason = 'malformed' | 'wrong-parts' | 'too-large';

/** A claimed slot: fill `bytes`, then commit or abort, once. */
export interface OpenSlot {
  /** Exactly the bytes that the header announced, in shared memory. */
  readonly bytes: Uint8Array;
  /** Publishes the frame. A promise is returned when a blocking edge is full or a series ends: await it before the next claim. */
  commit(): Promise<void> | undefined;
  /** Gives the slot back; the frame was never received. */
  abort(): void;
}

/** A slot for data that is still to arrive. Commit it or give it back, once. */
export interface LentSlot {
  /** The place of the data, in shared memory. */
  readonly bytes: Buffer;
  /** All of it is there: the slot will soon be committed or given back. */
  arrived(): void;
  /** Publishes the frame, of exactly these bytes; as `FrameWriter.write`. */
  commit(header: FrameHeader): Promise<boolean> | boolean;
  giveBack(): void;
}

/** What an ingress writes into. One claim at a time. */
export interface FrameWriter {
  /** Largest payload, in bytes. */
  readonly maxBytes: number;
  /**
   * A slot for one frame, or undefined when there is none now (back-pressure): await `ready()` and try again.
   * Throws ERR_MESSAGE_TOO_LARGE for a payload over `maxBytes`.
   */
  claim(header: FrameHeader): OpenSlot | undefined;
  /** Throws ERR_MESSAGE_TOO_LARGE, with the sizes, for a frame that `claim` would refuse and `write` would count as too large. */
  fits?(header: FrameHeader): void;
  /** Resolves when a claim may succeed again, or when the writer stops (the signal of `run` is aborted then). */
  ready(): Promise<void>;
  /** Claim, copy, commit, waiting where it must. Resolves false when the signal was aborted before the frame was taken. Too large: refused and counted. */
  write(header: FrameHeader, data: Uint8Array): Promise<boolean> | boolean;
  /**
   * A slot for the data of a frame that is still to arrive, beside the one claim; several may be lent. Undefined: use memory
   * of your own (a writer without the method has none). Null: there is none now; ask again after `ready()`.
   */
  lend?(lengthBytes: number): LentSlot | undefined | null;
  /**
   * The frames that follow belong to a new series; one that is open ends as superseded. Resolves when what came before is
   * settled and the operators have handed on what they held of it; false when the run was given up before.
   * A slot that is claimed meanwhile, and committed later, belongs to the new one (ERR_STATE where it is the only slot, or a record of a parcel).
   * Rejects with ERR_MESSAGE_TOO_LARGE for a start whose JSON is over 8 KiB.
   */
  startSeries(start: SeriesMessage): Promise<boolean>;
  /** Ends the series that is open, if it has this name. Resolves as `startSeries` does. */
  endSeries(end: SeriesMessage): Promise<boolean>;
  /** Counts a message that became no frame, and logs it at a limited rate. */
  refuse(reason: RefuseReason, detail: string): void;
}

export interface IngressContext {
  /** The source's name in the pipeline. */
  readonly name: string;
  readonly codec: Codec;
  readonly baseDir: string;
  readonly log: Logger;
  /** Says that it waits for the other side (the addresses, and since when), or that a wait is over (none, and how long it took). */
  waiting?(addresses: readonly string[], waitedMs: number): void;
  /** Counts a file that cannot be opened (`whole`), or a frame of one that cannot be read; `of`: files in all. Beside `refuse`. */
  unreadable?(what: { readonly file: string; readonly reason: string; readonly whole: boolean; readonly of: number }): void;
  /** Largest payload of a frame, in bytes. */
  readonly maxFrameBytes: number;
  /** Messages that a thread before this one had received, and refused, until it died. */
  readonly resumeAt?: number;
  /** The line to the embedding program, for the types that have one. */
  readonly port?: MessagePort | undefined;
}

/** A source at work, in a thread of its own with a live event loop. */
export interface Ingress {
  open(): Promise<void>;
  /** Runs until the source ends (resolves) or the signal asks to stop reading (resolves soon). Rejects when the source fails. */
  run(out: FrameWriter, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** What a source tells the planner, on the main thread. */
export interface SourcePlan {
  /** Largest payload in bytes, where the source knows it. Else `maxFrame` of the pipeline, or what the plan chooses. */
  readonly maxFrameBytes?: number;
  readonly shape?: readonly number[];
  readonly dtype?: DType;
}

export interface IngressDefinition<O = Record<string, unknown>> {
  readonly type: string;
  readonly description: string;
  /** For the pages of the reference. */
  readonly docs?: DefinitionDocs;
  /** JSON Schema of the options (without `type`, `codec`, `maxFrame`, `slots`). */
  readonly options: Readonly<Record<string, unknown>>;
  /** Takes a codec (default `array-1.0`); others know their own format. */
  readonly usesCodec: boolean;
  /** Can go on, in another thread, after so many messages (`resumeAt`) as its last thread had counted. */
  readonly restarts?: boolean | ((options: O) => boolean);
  /** What its schema cannot say is wrong with options that the schema accepts. */
  checkOptions?(options: O): readonly OptionIssue[];
  /** Most slots that it borrows for data under way; its pool has as many more. */
  lends?(options: O): number;
  /** Main thread, once; may open files. Throws ERR_CONFIG_* when the options cannot be met. */
  plan?(options: O, context: { baseDir: string }): SourcePlan | Promise<SourcePlan>;
  create(options: O, context: IngressContext): Ingress;
}
