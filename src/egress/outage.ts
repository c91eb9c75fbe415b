import { setTimeout as delay } from 'node:timers/promises';
import { MillraceError } from '../errors/errors.js';
import type { EgressContext } from './egress.js';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;
/** A continuing outage is logged after this time, then after twice as long, and at least every minute. */
const FIRST_MS = 2000;
const LONGEST_MS = 60_000;
/** Reasons with the same beginning count as one. */
const REASON_CHARACTERS = 40;

/** An answer of a server that was reached: its text is a reason of its own. */
export interface ServerAnswer {
  readonly isAnswer: boolean;
}

const isAnswer = (thrown: unknown): boolean => (thrown as Partial<ServerAnswer> | undefined)?.isAnswer === true;

/**
 * Counts the time in which a sink cannot deliver, and paces the attempts: 50 ms at first, doubling up to one second.
 */
export class Outage {
  readonly #context: EgressContext;
  readonly #addresses: readonly string[];
  /** Reasons that were logged in this outage. */
  readonly #told = new Set<string>();
  #sayAfterMs = FIRST_MS;
  #isWaiting = false;
  #suppressed = 0;
  #startedAt: number | undefined;
  #countedUntil = 0;
  #pauseMs = FIRST_PAUSE_MS;

  /** `addresses`: of the server. */
  constructor(context: EgressContext, addresses: readonly string[]) {
    this.#context = context;
    this.#addresses = addresses;
  }

  /**
   * An attempt that began at `attemptAt` (performance.now) failed. Returns when it is time for the next one. @throws
   * ERR_SINK at the signal.
   */
  async failed(attemptAt: number, thrown: unknown): Promise<void> {
    if (this.#startedAt === undefined) {
      this.#startedAt = attemptAt;
      this.#countedUntil = attemptAt;
    }
    this.#count();
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    this.#say(thrown, reason);
    if (!this.#context.signal.aborted) await delay(this.#pauseMs, undefined, { signal: this.#context.signal }).catch(() => {});
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    this.#count();
    if (!this.#context.signal.aborted) return;
    this.#endWait();
    throw new MillraceError('ERR_SINK', `sink ${this.#context.name}: ${reason}`, { cause: thrown });
  }

  /** Retries until an attempt succeeds. Rethrows an error that `isLasting` accepts, or that persists for this long. */
  async until(attempt: () => Promise<unknown>, timeoutMs: number, isLasting: (thrown: unknown) => boolean): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const attemptAt = performance.now();
      try {
        await attempt();
        this.over();
        return;
      } catch (thrown) {
        if (isLasting(thrown) || performance.now() >= deadline) throw thrown;
        await this.failed(attemptAt, thrown);
      }
    }
  }

  /** Logs a new reason at once, and one that persists at growing intervals. */
  #say(thrown: unknown, reason: string): void {
    const waitedMs = performance.now() - this.#startedAt!;
    const key = isAnswer(thrown) ? reason.slice(0, REASON_CHARACTERS) : 'unreachable';
    const isLong = waitedMs >= this.#sayAfterMs;
    if (isLong) {
      this.#sayAfterMs = Math.min(2 * this.#sayAfterMs, this.#sayAfterMs + LONGEST_MS);
      this.#isWaiting = true;
      this.#context.waiting?.(this.#addresses, waitedMs);
    }
    if (!isLong && this.#told.has(key)) {
      this.#suppressed++;
      return;
    }
    this.#told.add(key);
    const { name, log } = this.#context;
    const what = isAnswer(thrown) ? `the server of sink '${name}' answers: ${reason}` : `cannot reach sink '${name}': ${reason}`;
    const since = isLong ? `, for ${Math.round(waitedMs / 1000)} s so far` : '';
    log.warn(
      { sink: name, reason, waitedMs: Math.round(waitedMs), addresses: this.#addresses, suppressed: this.#suppressed },
      `${what}; retrying${since}`,
    );
    this.#suppressed = 0;
  }

  #endWait(): void {
    if (this.#isWaiting) this.#context.waiting?.([], performance.now() - this.#startedAt!);
    this.#isWaiting = false;
    this.#told.clear();
    this.#sayAfterMs = FIRST_MS;
  }

  /** An attempt succeeded. */
  over(): void {
    if (this.#startedAt === undefined) return;
    this.#count();
    const outageMs = Math.round(performance.now() - this.#startedAt);
    this.#context.log.info({ sink: this.#context.name, outageMs }, `sink '${this.#context.name}' delivers again`);
    this.#endWait();
    this.#startedAt = undefined;
    this.#pauseMs = FIRST_PAUSE_MS;
  }

  // Counted during the outage, so that a report made meanwhile includes it.
  #count(): void {
    const now = performance.now();
    this.#context.outage(now - this.#countedUntil);
    this.#countedUntil = now;
  }
}
