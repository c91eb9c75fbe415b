import type { DType } from '../frame/dtype.js';
import type { Meta } from '../frame/frame.js';

/** The normative text is `docs/reference/dead-letters.md`. */
export const LETTER_VERSION = 1;
/** The suffix of letter files. */
export const LETTER_SUFFIX = '.letter';
/** Maximum number of bytes before the data. */
export const MAX_LETTER_HEADER_BYTES = 1 << 20;

/** The header of a letter: everything except the bytes of the frame. */
export interface LetterHeader {
  /** Name of the pipeline, and SHA-256 (hexadecimal) of its description. */
  readonly pipeline: string;
  readonly pipelineHash: string;
  readonly source: string;
  /** Number of the frame within its source, in the run in which it died. */
  readonly ordinal: number;
  /** Index among the frames made from one input, from 0. */
  readonly index: number;
  /** The sender's number. */
  readonly sequence: number | undefined;
  /** Seconds since the Unix epoch. */
  readonly timestamp: number | undefined;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly meta: Meta;
  /** The stage or sink that gave the frame up. */
  readonly node: string;
  /** The reason in the ledger. */
  readonly outcome: string;
  /** Code and message of the error, and its stack if known. */
  readonly code: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Number of attempts. */
  readonly attempts: number;
  /** When it died, ISO 8601 in UTC. */
  readonly time: string;
}

export interface Letter extends LetterHeader {
  /** The items as the node received them, little-endian, C order. */
  readonly data: Uint8Array;
}
