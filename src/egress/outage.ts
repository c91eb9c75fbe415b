import { setTimeout as delay } from 'node:timers/promises';
import { MillraceError } from '../errors/errors.js';
import { RateLimiter } from '../errors/logger.js';
import type { EgressContext } from './egress.js';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;
const LOG_INTERVAL_MS = 5000;

/** Counts the time in which a sink cannot be reached, and paces the attempts: 50 ms at first, doubling to one second. */
export class Outage {
  readonly #context: EgressContext;
  readonly #limiter = new RateLimiter(LOG_INTERVAL_MS);
  #startedAt: number | undefined;
  #countedUntil = 0;
  #pauseMs = FIRST_PAUSE_MS;

  constructor(context: EgressContext) {
    this.#context = context;
  }

  /** An attempt that began at `attemptAt` (performance.now) failed. Returns when it is time for the next one. @throws ERR_SINK at the signal. */
  async failed(attemptAt: number, thrown: unknown): Promise<void> {
    if (this.#startedAt === undefined) {
      this.#startedAt = attemptAt;
      this.#countedUntil = attemptAt;
    }
    this.#count();
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    const suppressed = this.#limiter.admit('unreachable');
    if (suppressed >= 0)
      this.#context.log.warn({ sink: this.#context.name, reason, suppressed }, 'the sink cannot be reached, trying again');
    if (!this.#context.signal.aborted) await delay(this.#pauseMs, undefined, { signal: this.#context.signal }).catch(() => {});
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    this.#count();
    if (this.#context.signal.aborted) throw new MillraceError('ERR_SINK', `sink ${this.#context.name}: ${reason}`, { cause: thrown });
  }

  /** Attempts until one succeeds; what `isLasting` tells, or what fails after so long, is thrown as it came. */
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

  /** An attempt succeeded. */
  over(): void {
    if (this.#startedAt === undefined) return;
    this.#count();
    const outageMs = Math.round(performance.now() - this.#startedAt);
    this.#context.log.info({ sink: this.#context.name, outageMs }, 'the sink can be reached again');
    this.#startedAt = undefined;
    this.#pauseMs = FIRST_PAUSE_MS;
  }

  // Counted as it goes on, so that a report made meanwhile shows it.
  #count(): void {
    const now = performance.now();
    this.#context.outage(now - this.#countedUntil);
    this.#countedUntil = now;
  }
}
