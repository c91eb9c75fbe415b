import { setImmediate, setTimeout } from 'node:timers/promises';

/**
 * Frame times on an absolute schedule: frame n is due at start + n / rate, so that timer delays do not add up. Up to
 * 1000 frames per second, the last fraction of a millisecond is spent polling; faster schedules send the due frames
 * once per millisecond, the resolution of timers.
 */
export class Schedule {
  readonly #intervalMs: number;
  readonly #startMs: number;

  constructor(rate: number, startMs: number) {
    this.#intervalMs = 1000 / rate;
    this.#startMs = startMs;
  }

  dueMs(number: number): number {
    return this.#startMs + number * this.#intervalMs;
  }

  /** Resolves when frame `number` is due, or soon after the signal is aborted. Undefined when it is already due. */
  wait(number: number, signal: AbortSignal): Promise<void> | undefined {
    return this.dueMs(number) <= performance.now() ? undefined : this.#sleep(this.dueMs(number), signal);
  }

  async #sleep(dueMs: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      const leftMs = dueMs - performance.now();
      if (leftMs <= 0 || signal.aborted) return;
      if (leftMs < 1 && this.#intervalMs >= 1) await setImmediate();
      // Timers hold at most 2^31 - 1 ms.
      else await setTimeout(Math.min(Math.max(1, Math.floor(leftMs)), 2 ** 31 - 1), undefined, { signal }).catch(() => undefined);
    }
  }
}
