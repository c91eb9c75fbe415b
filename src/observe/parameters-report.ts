/** One set of parameters that a stage used. */
export interface ParametersReport {
  /**
   * Hash of the operators with their tables: 16 hexadecimal digits. Equals the hash of a frame that passed only this
   * stage.
   */
  readonly hash: string;
  /** 0 at the start; increases by one with each update. */
  readonly epoch: number;
  /** ISO 8601: when it was published. */
  readonly since: string;
  /** The operators as a pipeline file would describe them. */
  readonly operators: readonly Readonly<Record<string, unknown>>[];
}
