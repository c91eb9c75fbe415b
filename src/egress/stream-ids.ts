import { MillraceError } from '../errors/errors.js';

/**
 * Increasing ids of a Redis stream, `<ms>-<seq>`: the clock, or, when the clock has not advanced, an increasing
 * sequence number.
 */
export class StreamIds {
  #ms = 0;
  #sequence = 0;

  /** Makes all further ids larger than `id`. @throws ERR_SINK when no larger id exists. */
  raise(id: string): void {
    const numbers = /^(\d+)-(\d+)$/.exec(id);
    const [ms, sequence] = [Number(numbers?.[1]), Number(numbers?.[2])];
    if (!numbers || ms >= Number.MAX_SAFE_INTEGER) {
      throw new MillraceError('ERR_SINK', `the last id of the stream is ${id}: no larger id is possible`);
    }
    if (ms < this.#ms || (ms === this.#ms && sequence <= this.#sequence)) return;
    // Redis counts to 2^64; when a number here is no longer exact, continue with the next millisecond.
    const exact = sequence < Number.MAX_SAFE_INTEGER;
    this.#ms = exact ? ms : ms + 1;
    this.#sequence = exact ? sequence : 0;
  }

  next(nowMs = Date.now()): string {
    if (nowMs > this.#ms) {
      this.#ms = nowMs;
      this.#sequence = 0;
    } else {
      this.#sequence++;
    }
    return `${this.#ms}-${this.#sequence}`;
  }
}
