/** One thing that is wrong with the options of a source or sink and that a schema cannot say. */
export interface OptionIssue {
  readonly message: string;
  /** Keys from the options to the value; empty: the options as a whole. */
  readonly path: readonly (string | number)[];
}
