import type { DType } from '../frame/dtype.js';
import type { Meta } from '../frame/frame.js';

/** The normative text is `docs/reference/dead-letters.md`. */
export const LETTER_VERSION = 1;
/** Ends the name of every letter. */
export const LETTER_SUFFIX = '.letter';
/** Most bytes of everything before the data. */
export const MAX_LETTER_HEADER_BYTES = 1 << 20;

/** What a letter says of a dead frame, apart from its bytes. */
export interface LetterHeader {
  /** Name of the pipeline, and SHA-256 (hexadecimal) of its description. */
  readonly pipeline: string;
  readonly pipelineHash: string;
  readonly source: string;
  /** Number of the frame within its source, in the run in which it died. */
  readonly ordinal: number;
  /** Place among the frames that one input had become, from 0. */
  readonly index: number;
  /** The sender's number. */
  readonly sequence: number | undefined;
  /** Seconds since the Unix epoch. */
  readonly timestamp: number | undefined;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly meta: Meta;
  /** The stage or sink that gave it up. */
  readonly node: string;
  /** The reason under which the ledger counts it. */
  readonly outcome: string;
  /** Code and message of the error, and its stack where there is one. */
  readonly code: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** How often it was tried. */
  readonly attempts: number;
  /** When it died, ISO 8601 in UTC. */
  readonly time: string;
}

export interface Letter extends LetterHeader {
  /** The items as its node was given them, little-endian, C order. */
  readonly data: Uint8Array;
}
