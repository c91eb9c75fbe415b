import type { Output } from './output.js';

/** What `main` passes to each verb. A verb resolves with its exit code; `main` prints what it throws. */
export interface CliContext {
  readonly output: Output;
  /** Aborted by the first signal: drain, then end. */
  readonly signal: AbortSignal;
  /** Aborted by the second signal: end now, whatever is in progress. */
  readonly force?: AbortSignal;
  /** Aborted when the reader of our output has closed it, as `head` does: the run drains quietly. */
  readonly readerGone?: AbortSignal;
  /** Gives up printed output that the sink's reader has not taken, so that the process need not wait for it. */
  readonly abandonOutput?: () => void;
  /** Asks the user at the terminal; absent without a terminal. */
  readonly confirm?: (question: string) => Promise<boolean>;
  /** Asks the user at the terminal for a line; absent without a terminal. */
  readonly ask?: (question: string) => Promise<string>;
}
