import type { Output } from './output.js';

/** What `main` gives to each verb. A verb resolves with its exit code; what it throws, `main` tells. */
export interface CliContext {
  readonly output: Output;
  /** Aborted by the first signal: drain, then end. */
  readonly signal: AbortSignal;
  /** Aborted by the second: end now, whatever is under way. */
  readonly force?: AbortSignal;
  /** Aborted when the reader of our output has gone, as `head` does: the run drains quietly. */
  readonly readerGone?: AbortSignal;
  /** What a sink has printed and the reader of the output did not take is given up: the process need not wait for it. */
  readonly abandonOutput?: () => void;
  /** Asks the person at the terminal; absent where there is none. */
  readonly confirm?: (question: string) => Promise<boolean>;
  /** Asks the person at the terminal for a line; absent where there is none. */
  readonly ask?: (question: string) => Promise<string>;
}
