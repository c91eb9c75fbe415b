/**
 * A frame of one dimension, or the first row of values of a table, reduced to few numbers for a quick view of a run.
 */
export interface ProfileSample {
  readonly source: string;
  /** The sender's number of the frame. */
  readonly frame: number;
  /** Name of the row, for a table with `columns`. */
  readonly column?: string;
  /** Number of items in the whole profile. */
  readonly items: number;
  /** At most 256: means of neighbours where there are more items. null where no item is finite. */
  readonly values: readonly (number | null)[];
}
