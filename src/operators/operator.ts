import type { DefinitionDocs } from '../errors/definition-docs.js';
import type { Logger } from '../errors/logger.js';
import type { DType, TypedArray } from '../frame/dtype.js';
import type { Frame, Meta, MutableFrame } from '../frame/frame.js';
import type { Series } from '../frame/series.js';
import type { WasmMemory } from '../frame/wasm-memory.js';

/** What `out.create` needs to know of the frame to be made. */
export interface CreateSpec {
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** Names of the rows of a profile or table, kept as `meta.columns`. */
  readonly columns?: readonly string[];
  /** Added to the keys inherited from the input. */
  readonly meta?: Meta;
}

/** Where an operator puts its results. */
export interface Emitter {
  /** Hands on the input as it is (no copy), or a frame made by `create`. Each frame at most once. */
  emit(frame: Frame): void;
  /** A new frame to fill, then to emit. It inherits sequence, timestamp and meta of the input. Its bytes are not cleared. */
  create(spec: CreateSpec): MutableFrame;
}

/** A region of shared memory for what an operator makes of many frames. */
export interface PartialView {
  /** Byte address in the arena, 64-byte aligned, and length, in bytes. */
  readonly address: number;
  readonly bytes: number;
  /** The region. */
  readonly data: Uint8Array;
}

/** One operator at work in one worker. `process` emits what it makes of a frame; emitting nothing filters the frame. */
export interface Operator {
  process(frame: Frame, out: Emitter): void | Promise<void>;
  /** In each worker, before the first frame of a series, and again in a worker that takes another's place. */
  onStart?(series: Series): void;
  /** Hands on what is left of the series that ends, or of a source without any: at most one frame. Needs `flushes: true` in its definition. */
  flush?(out: Emitter): void | Promise<void>;
  /**
   * Takes together what all workers made of a series (or of a source without any), directly before `flush` and in the one
   * worker that meets its end; not called, nor is `flush`, where no part holds a frame. `parts`: the partials that do, in a
   * fixed order, in shared memory: only to be read. It may be called again with the same parts, and then starts anew.
   */
  merge?(parts: readonly Uint8Array[]): void;
  setup?(): void | Promise<void>;
  close?(): void;
}

/** A table placed in shared memory: one copy for all workers of a stage. */
export interface SharedTable {
  /** Byte address in the arena, 64-byte aligned. */
  readonly address: number;
  readonly array: TypedArray;
}

/** What an operator finds when it is made inside a worker. */
export interface OperatorContext {
  readonly memory: WasmMemory;
  /** The tables that `prepare` returned, by name. */
  readonly constants: Readonly<Record<string, SharedTable>>;
  /** Address and length of this worker's private scratch (`scratchBytes` of `prepare`), 64-byte aligned. */
  readonly scratch: { readonly address: number; readonly bytes: number };
  /**
   * The partial that the frame at hand goes into (`partialBytes` of `prepare`; no bytes without). All zero before its first
   * frame of a series. All that is aggregated stands in it, nothing elsewhere; `address` and `data` are read anew in each
   * `process`, since a worker may have several. `process` throws before it changes it, or not at all.
   */
  readonly partial: PartialView;
  /** Number of this worker within its stage, from 0. */
  readonly worker: number;
  readonly log: Logger;
}

/** An operator that stands directly before another one and was folded into it. */
export interface FoldedOperator {
  readonly type: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** What is known of the frames that come from one node. */
export interface KnownFrames {
  readonly shape: readonly number[] | undefined;
  readonly dtype: DType | undefined;
  /** Most frames that it makes of one. */
  readonly chained: number;
}

/** What is known when the pipeline is planned, on the main thread. */
export interface PrepareContext {
  /** Folder against which relative paths are resolved. */
  readonly baseDir: string;
  /** Shape and dtype of the input frames, where they are known. */
  readonly shape: readonly number[] | undefined;
  readonly dtype: DType | undefined;
  /** Largest input payload in bytes. */
  readonly maxInputBytes: number;
  /** Operators folded into this one, in order. */
  readonly folded: readonly FoldedOperator[];
  /** For the first operator of a stage: what is known of the frames of each entry of `from`. */
  readonly from?: readonly KnownFrames[];
}

/** What an operator asks of the plan. */
export interface Prepared {
  readonly constants?: Readonly<Record<string, TypedArray>>;
  readonly scratchBytes?: number;
  /** Bytes of a partial: the operator aggregates by partials. It is synchronous, emits nothing in `process`, and has `merge` and `flush`. */
  readonly partialBytes?: number;
  /** Shape and dtype of the output where they are known (else those of the input). */
  readonly shape?: readonly number[] | undefined;
  readonly dtype?: DType | undefined;
  /** Largest output payload in bytes. Default: the largest input. */
  readonly maxOutputBytes?: number;
  /** Room for tables of parameters that may come with an update, in bytes. Default: a quarter more than the first tables. */
  readonly maxConstantBytes?: number;
  /** May emit its input as it is; default: what the definition says. */
  readonly passes?: boolean;
  /** What users should know of how frames are treated, in words; `millrace validate` prints it. */
  readonly notes?: readonly string[];
  /** JSON data handed to `create` beside the parameters. */
  readonly state?: unknown;
}

/** JSON Schema (draft 2020-12) of an object of parameters, `additionalProperties: false`. */
export type ParameterSchema = Readonly<Record<string, unknown>>;

export interface OperatorDefinition<P = Record<string, unknown>> {
  /** A verb, as it stands in `type:`. */
  readonly type: string;
  readonly description: string;
  /** For the pages of the reference. */
  readonly docs?: DefinitionDocs;
  /** Schema of the parameters (without `type`). */
  readonly parameters: ParameterSchema;
  /** Frames that one `process` call may emit; 1 to 64, default 1. */
  readonly maxOutputs?: number;
  /** Keeps state between frames, so that the stage must have one worker; or says by its parameters whether it does. */
  readonly stateful?: boolean | ((params: P) => boolean);
  /** Its state concerns one key at a time: a stage with `key` may have several workers all the same. */
  readonly keyed?: boolean;
  /**
   * An input for which nothing is emitted was taken into an aggregate: it counts as merged, not as filtered. Each source has
   * an operator of its own. `process` and `flush` throw before they change its state, or not at all, since they are called
   * again. What is emitted is a result of all frames since the last one (docs/reference/aggregates.md).
   */
  readonly merges?: boolean;
  /** Has `flush`, which emits at most one frame. */
  readonly flushes?: boolean;
  /** Types that may be folded into this one when they stand directly before it. */
  readonly folds?: readonly string[];
  /** May emit its input as it is. Default true; an operator that always makes a new frame says false and saves slots. */
  readonly passes?: boolean;
  /**
   * Its parameters, or those named, may be changed while the pipeline runs: it keeps nothing between frames that a new
   * operator would miss, and so neither merges nor flushes.
   */
  readonly updates?: boolean | readonly (keyof P & string)[];
  /**
   * Whether `process` may return a promise, so that the stage has several frames under way in a worker. Without it a module
   * is planned as if it might, and is run so if its `process` is an async function. With false it never is: a worker has one
   * frame at a time, and waits where `process` returns a promise all the same.
   */
  readonly async?: boolean;
  /** Main thread, once: reads files, builds tables. Throws a MillraceError (ERR_CONFIG_*) when the parameters cannot be met. */
  prepare?(params: P, context: PrepareContext): Prepared | Promise<Prepared>;
  /** In each worker. */
  create(params: P, context: OperatorContext, prepared: Prepared): Operator;
}

/** Gives an operator a name, a parameter schema and its needs; the default export of an operator module. */
export function defineOperator<P = Record<string, unknown>>(definition: OperatorDefinition<P>): OperatorDefinition<P> {
  return definition;
}

export type { DType, Frame, Logger, Meta, MutableFrame, Series, TypedArray };
