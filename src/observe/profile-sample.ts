/** A frame of one dimension, or the first row of values of a table, in few numbers: for a glance at a run. */
export interface ProfileSample {
  readonly source: string;
  /** The sender's number of the frame. */
  readonly frame: number;
  /** Name of the row, of a table with `columns`. */
  readonly column?: string;
  /** Items of the whole profile. */
  readonly items: number;
  /** At most 256: means of neighbours where there are more items. null where no item is a finite number. */
  readonly values: readonly (number | null)[];
}
