import { MillraceError } from '../errors/errors.js';

/**
 * Rising ids of a Redis stream, `<ms>-<seq>`: the clock, unless it stands or goes back; then the number behind it rises.
 */
export class StreamIds {
  #ms = 0;
  #sequence = 0;

  /** The ids to come are above `id`. @throws ERR_SINK when there is no room above it. */
  raise(id: string): void {
    const numbers = /^(\d+)-(\d+)$/.exec(id);
    const [ms, sequence] = [Number(numbers?.[1]), Number(numbers?.[2])];
    if (!numbers || ms >= Number.MAX_SAFE_INTEGER) {
      throw new MillraceError('ERR_SINK', `the stream ends with the id ${id}: no id can be made above it`);
    }
    if (ms < this.#ms || (ms === this.#ms && sequence <= this.#sequence)) return;
    // Redis counts to 2^64; where a number here is no longer exact, go on with the next millisecond.
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
