import { setTimeout as delay } from 'node:timers/promises';
import { MillraceError } from '../errors/errors.js';
import { RateLimiter } from '../errors/logger.js';
import type { EgressContext } from './egress.js';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;
const LOG_INTERVAL_MS = 5000;
/** Reasons that begin alike are one. */
const REASON_CHARACTERS = 40;

/** An answer of a server, which was reached: what it says is a reason of its own. */
export interface ServerAnswer {
  readonly isAnswer: boolean;
}

const isAnswer = (thrown: unknown): boolean => (thrown as Partial<ServerAnswer> | undefined)?.isAnswer === true;

/** Counts the time in which a sink cannot hand on, and paces the attempts: 50 ms at first, doubling to one second. */
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
    // By reason: a new one is told at once.
    const suppressed = this.#limiter.admit(isAnswer(thrown) ? reason.slice(0, REASON_CHARACTERS) : 'unreachable');
    if (suppressed >= 0) {
      const { name } = this.#context;
      const what = isAnswer(thrown) ? `the server of sink '${name}' answers: ${reason}` : `sink '${name}' cannot be reached: ${reason}`;
      this.#context.log.warn({ sink: name, reason, suppressed }, `${what}; trying again`);
    }
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
    this.#context.log.info({ sink: this.#context.name, outageMs }, `sink '${this.#context.name}' delivers again`);
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
