import { COMMAND_BURST, COMMANDS_PER_S } from './limits.js';

/**
 * Limits the rate of commands and subscriptions of a peer: a token bucket. They cost processor time but no memory of
 * the peer's queue, so a peer that floods with them would delay all others of the thread. The content of one read is
 * always processed: the bucket may be overdrawn, and the peer is not read until it is refilled.
 */
export class CommandBudget {
  #tokens = COMMAND_BURST;
  #atMs = performance.now();

  spend(): void {
    this.#tokens -= 1;
  }

  /** Milliseconds until the peer may be read again; 0 while the bucket is not overdrawn. */
  debtMs(): number {
    if (this.#tokens >= 0) return 0;
    const nowMs = performance.now();
    this.#tokens = Math.min(COMMAND_BURST, this.#tokens + ((nowMs - this.#atMs) * COMMANDS_PER_S) / 1e3);
    this.#atMs = nowMs;
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens * 1e3) / COMMANDS_PER_S);
  }
}
