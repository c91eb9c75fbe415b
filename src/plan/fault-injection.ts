/**
 * For tests of the recovery: workers run a build of the ring operations that terminates their thread at a numbered
 * step. Each worker that starts is armed with one step, drawn from the seed, up to a total number.
 */
export interface FaultInjection {
  /** The build, beside `ring.wasm`. */
  readonly file: string;
  /** Word 0: workers armed so far; word `step`: threads that ended there. */
  readonly hits: SharedArrayBuffer;
  readonly seed: number;
  readonly workers: number;
  readonly steps: readonly number[];
  /** The step passes up to this many times first. */
  readonly within: number;
}
