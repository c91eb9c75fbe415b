import type { DefinitionDocs } from '../errors/definition-docs.js';
import type { Logger } from '../errors/logger.js';
import type { DType, TypedArray } from '../frame/dtype.js';
import type { Frame, Meta, MutableFrame } from '../frame/frame.js';
import type { Series } from '../frame/series.js';
import type { WasmMemory } from '../frame/wasm-memory.js';

/** The properties of the frame that `out.create` is to create. */
export interface CreateSpec {
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** Names of the rows of a profile or table, stored as `meta.columns`. */
  readonly columns?: readonly string[];
  /** Added to the keys inherited from the input. */
  readonly meta?: Meta;
}

/** Receives the results of an operator. */
export interface Emitter {
  /** Emits the input unchanged (no copy), or a frame made by `create`. Each frame at most once. */
  emit(frame: Frame): void;
  /**
   * A new frame to fill and then emit. It inherits sequence, timestamp and meta of the input. Its bytes are not
   * cleared.
   */
  create(spec: CreateSpec): MutableFrame;
}

/** A region of shared memory for an aggregate of many frames. */
export interface PartialView {
  /** Byte address in the arena, 64-byte aligned, and length, in bytes. */
  readonly address: number;
  readonly bytes: number;
  /** The bytes of the region. */
  readonly data: Uint8Array;
}

/**
 * One instance of an operator in one worker. `process` emits the results for a frame; emitting nothing filters the
 * frame.
 */
export interface Operator {
  process(frame: Frame, out: Emitter): void | Promise<void>;
  /** Called in each worker before the first frame of a series, and again in a worker that replaces another. */
  onStart?(series: Series): void;
  /**
   * Emits the rest at the end of a series, or of a source without series: at most one frame. Needs `flushes: true` in
   * its definition.
   */
  flush?(out: Emitter): void | Promise<void>;
  /**
   * Merges the partials of all workers for a series (or for a source without series), directly before `flush` and in
   * the one worker that processes its end. Neither is called when no partial holds a frame. `parts`: the partials that
   * hold frames, in a fixed order, in shared memory: read-only. It may be called again with the same parts, and then
   * starts anew.
   */
  merge?(parts: readonly Uint8Array[]): void;
  setup?(): void | Promise<void>;
  close?(): void;
}

/** A table in shared memory: one copy for all workers of a stage. */
export interface SharedTable {
  /** Byte address in the arena, 64-byte aligned. */
  readonly address: number;
  readonly array: TypedArray;
}

/** The context in which an operator is created inside a worker. */
export interface OperatorContext {
  readonly memory: WasmMemory;
  /** The tables that `prepare` returned, by name. */
  readonly constants: Readonly<Record<string, SharedTable>>;
  /** Address and length of this worker's private scratch (`scratchBytes` of `prepare`), 64-byte aligned. */
  readonly scratch: { readonly address: number; readonly bytes: number };
  /**
   * The partial for the current frame (`partialBytes` of `prepare`; empty without). All zero before its first frame of
   * a series. It must hold the whole aggregate; read `address` and `data` anew in each `process`, since a worker may
   * have several. `process` throws before it changes the partial, or not at all.
   */
  readonly partial: PartialView;
  /** Number of this worker within its stage, from 0. */
  readonly worker: number;
  readonly log: Logger;
}

/** An operator directly before another one that was folded into it. */
export interface FoldedOperator {
  readonly type: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Known properties of the frames from one node. */
export interface KnownFrames {
  readonly shape: readonly number[] | undefined;
  readonly dtype: DType | undefined;
  /** Maximum frames that it makes from one. */
  readonly chained: number;
}

/** Known properties when the pipeline is planned, on the main thread. */
export interface PrepareContext {
  /** Base folder of relative paths. */
  readonly baseDir: string;
  /** Shape and dtype of the input frames, if known. */
  readonly shape: readonly number[] | undefined;
  readonly dtype: DType | undefined;
  /** Maximum input payload in bytes. */
  readonly maxInputBytes: number;
  /** Operators folded into this one, in order. */
  readonly folded: readonly FoldedOperator[];
  /** For the first operator of a stage: known properties of the frames of each entry of `from`. */
  readonly from?: readonly KnownFrames[];
}

/** What an operator requires of the plan. */
export interface Prepared {
  readonly constants?: Readonly<Record<string, TypedArray>>;
  readonly scratchBytes?: number;
  /**
   * Bytes of a partial: the operator aggregates by partials. It is synchronous, emits nothing in `process`, and has
   * `merge` and `flush`.
   */
  readonly partialBytes?: number;
  /** Shape and dtype of the output if known (otherwise those of the input). */
  readonly shape?: readonly number[] | undefined;
  readonly dtype?: DType | undefined;
  /** Maximum output payload in bytes. Default: the maximum input. */
  readonly maxOutputBytes?: number;
  /** Room for tables of parameters from an update, in bytes. Default: a quarter more than the first tables. */
  readonly maxConstantBytes?: number;
  /** May emit its input unchanged; default: as in the definition. */
  readonly passes?: boolean;
  /** Notes for users on how frames are treated; `millrace validate` prints them. */
  readonly notes?: readonly string[];
  /** JSON data passed to `create` in addition to the parameters. */
  readonly state?: unknown;
}

/** JSON Schema (draft 2020-12) of an object of parameters, `additionalProperties: false`. */
export type ParameterSchema = Readonly<Record<string, unknown>>;

export interface OperatorDefinition<P = Record<string, unknown>> {
  /** Of an operator in a module of its own: `import.meta.url`. The builder needs it to load the operator in its threads. */
  readonly module?: string | URL;
  /** A verb, as in `type:`. */
  readonly type: string;
  readonly description: string;
  /** For the pages of the reference. */
  readonly docs?: DefinitionDocs;
  /** Schema of the parameters (without `type`). */
  readonly parameters: ParameterSchema;
  /** Maximum frames that one `process` call may emit; 1 to 64, default 1. */
  readonly maxOutputs?: number;
  /**
   * Keeps state between frames, so that the stage must have one worker; or a function of the parameters that returns
   * whether it does.
   */
  readonly stateful?: boolean | ((params: P) => boolean);
  /** Its state belongs to one key at a time: a stage with `key` may still have several workers. */
  readonly keyed?: boolean;
  /**
   * An input for which nothing is emitted was added to an aggregate: it counts as merged, not as filtered. Each source
   * has an operator of its own. `process` and `flush` throw before they change its state, or not at all, since they are
   * called again. An emitted frame is a result of all frames since the last one (docs/reference/aggregates.md).
   */
  readonly merges?: boolean;
  /** Has `flush`, which emits at most one frame. */
  readonly flushes?: boolean;
  /** Types that may be folded into this one when they are directly before it. */
  readonly folds?: readonly string[];
  /**
   * May emit its input unchanged. Default true; set false for an operator that always makes a new frame, which saves
   * slots.
   */
  readonly passes?: boolean;
  /**
   * Its parameters, or the named ones, may change while the pipeline runs: it keeps nothing between frames that a new
   * operator would miss, and so neither merges nor flushes.
   */
  readonly updates?: boolean | readonly (keyof P & string)[];
  /**
   * Whether `process` may return a promise, so that a worker of the stage has several frames in progress. Without it,
   * the plan assumes that a module may, and the worker uses the asynchronous loop if its `process` is an async
   * function. With false, a worker processes one frame at a time, and waits if `process` returns a promise.
   */
  readonly async?: boolean;
  /**
   * Called once on the main thread: reads files, builds tables. Throws a MillraceError (ERR_CONFIG_*) when the
   * parameters cannot be satisfied.
   */
  prepare?(params: P, context: PrepareContext): Prepared | Promise<Prepared>;
  /** Called in each worker. */
  create(params: P, context: OperatorContext, prepared: Prepared): Operator;
}

/** Gives an operator a name, a parameter schema and its requirements; the default export of an operator module. */
export function defineOperator<P = Record<string, unknown>>(definition: OperatorDefinition<P>): OperatorDefinition<P> {
  return definition;
}

export type { DType, Frame, Logger, Meta, MutableFrame, Series, TypedArray };
