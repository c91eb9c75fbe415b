/** One invalid option of a source or sink that a schema cannot express. */
export interface OptionIssue {
  readonly message: string;
  /** Keys from the options to the value; empty for the options as a whole. */
  readonly path: readonly (string | number)[];
}
