/** Ranges of a sender's numbers for which the record of arrivals was discarded. */
export interface UnknownNumbers {
  readonly first: number;
  readonly last: number;
  /** At least this many of them did not arrive; 0: possibly all arrived. */
  readonly missingAtLeast: number;
}

export interface SequenceVerdict {
  /** Frames with a number of their sender. */
  readonly numbered: number;
  /** Frames with a repeated number. */
  readonly repeated: number;
  /** Frames whose number is not an integer that can be counted on from. */
  readonly unusable: number;
  /** Ranges that never arrived between the lowest and the highest number, both ends inclusive, ascending. */
  readonly missing: readonly (readonly [number, number])[];
  /** Present when there were more gaps at one time than are remembered; undefined: everything is known. */
  readonly unknown: UnknownNumbers | undefined;
  /** Lowest and highest number; NaN if none. */
  readonly first: number;
  readonly last: number;
}
