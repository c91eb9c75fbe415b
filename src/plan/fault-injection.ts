/**
 * For tests of the recovery: workers run a build of the ring operations that ends their thread at a numbered step. Each
 * worker that starts is armed with one step, drawn by the seed, until so many have been.
 */
export interface FaultInjection {
  /** The build, beside `ring.wasm`. */
  readonly file: string;
  /** Word 0: workers armed so far; word `step`: threads that ended there. */
  readonly hits: SharedArrayBuffer;
  readonly seed: number;
  readonly workers: number;
  readonly steps: readonly number[];
  /** The step is passed up to so many times before. */
  readonly within: number;
}
