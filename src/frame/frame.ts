import type { DType, TypedArray } from './dtype.js';

export type Meta = Readonly<Record<string, unknown>>;

/** The properties of a frame apart from its bytes. */
export interface FrameHeader {
  readonly dtype: DType;
  /** C order, slowest axis first; at most four dimensions. `bytes` payloads have the shape `[length]`. */
  readonly shape: readonly number[];
  /** The sender's own number. Without one, the ordinal replaces it. */
  readonly sequence?: number | undefined;
  /** Seconds since the Unix epoch. */
  readonly timestamp?: number | undefined;
  /**
   * Keys that Millrace does not interpret (`columns`, `calibration`, `series`, ...) and passes on. JSON values only.
   */
  readonly meta?: Meta | undefined;
}

/**
 * One frame for operators and sinks: a view of a slot in shared memory, valid only until the call that received the
 * frame returns (or its promise settles). Copy data that must live longer.
 */
export interface Frame {
  readonly source: string;
  /** Number of the frame within its source, without gaps. */
  readonly ordinal: number;
  /** The sender's number (`frame` in messages); the ordinal if the sender gives none. */
  readonly sequence: number;
  /** Seconds since the Unix epoch, NaN if unknown. */
  readonly timestamp: number;
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** The items, C order, little-endian, in shared memory. Inputs are read-only by contract. */
  readonly data: TypedArray;
  /** The same memory as bytes. */
  readonly bytes: Uint8Array;
  /** Byte address of the first item in the arena, for kernels. */
  readonly address: number;
  readonly meta: Meta;
  /**
   * Hash of the parameters that made it: 16 hexadecimal digits that the report resolves; empty for a frame as received.
   */
  readonly parameters: string;
  /**
   * After a `join` as list, in its stage: the frames of the event by input, this one first. They are valid as long as
   * this one is.
   */
  readonly joined?: readonly Frame[] | undefined;
}

/** A frame that an operator created and may fill. */
export interface MutableFrame extends Frame {
  meta: Meta;
}
