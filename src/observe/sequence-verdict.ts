/** Numbers of a sender of which it is not known any more which came. */
export interface UnknownNumbers {
  readonly first: number;
  readonly last: number;
  /** So many of them did not come, at least; 0: perhaps all came. */
  readonly missingAtLeast: number;
}

export interface SequenceVerdict {
  /** Frames that carried a number of their sender. */
  readonly numbered: number;
  /** Frames whose number had come before. */
  readonly repeated: number;
  /** Frames whose number is not a whole one that can be counted on from. */
  readonly unusable: number;
  /** Ranges that never came between the least and the greatest number, ends included, in rising order. */
  readonly missing: readonly (readonly [number, number])[];
  /** Where there were more gaps at a time than are remembered; undefined: all is known. */
  readonly unknown: UnknownNumbers | undefined;
  /** Least and greatest number; NaN where there was none. */
  readonly first: number;
  readonly last: number;
}
