/** One set of parameters that a stage had. */
export interface ParametersReport {
  /** Of the operators with their tables: 16 hexadecimal digits. The hash of a frame behind this stage alone. */
  readonly hash: string;
  /** 0 at the start; one more with each update. */
  readonly epoch: number;
  /** ISO 8601: when it was published. */
  readonly since: string;
  /** The operators as they would stand in the file. */
  readonly operators: readonly Readonly<Record<string, unknown>>[];
}
