import type { SequenceVerdict } from '../../observe/sequence-verdict.js';

/** Most separate gaps that are remembered at a time. */
const MAX_GAPS = 1000;

/**
 * Follows a sender's own numbers, in whatever order they come: which came, which came again, which are missing. It keeps the
 * ranges of numbers that came, in rising order, with at most a thousand gaps between them. With one more, two neighbouring
 * ranges become one, and of the numbers from the first to the last of both it is not known any more which came: they are
 * `unknown`, one stretch that only grows, from the oldest gap on.
 */
export class SequenceTracker {
  #numbered = 0;
  #repeated = 0;
  #unusable = 0;
  readonly #firsts: number[] = [];
  readonly #lasts: number[] = [];
  /** The unknown range, and the maximum number of arrivals in it. It is within one range. */
  #unknown: { first: number; last: number; came: number } | undefined;

  add(sequence: number): void {
    this.#numbered++;
    const top = this.#lasts.length - 1;
    if (top >= 0 && sequence === this.#lasts[top]! + 1) this.#lasts[top] = sequence;
    else this.#place(sequence);
  }

  #place(sequence: number): void {
    if (!Number.isSafeInteger(sequence)) {
      this.#unusable++;
      return;
    }
    const at = this.#rangeFrom(sequence);
    if (at >= 0 && sequence <= this.#lasts[at]!) {
      const unknown = this.#unknown;
      if (unknown && sequence >= unknown.first && sequence <= unknown.last) unknown.came++;
      else this.#repeated++;
      return;
    }
    const joinsBelow = at >= 0 && sequence === this.#lasts[at]! + 1;
    const joinsAbove = at + 1 < this.#firsts.length && sequence === this.#firsts[at + 1]! - 1;
    if (joinsBelow && joinsAbove) this.#join(at);
    else if (joinsBelow) this.#lasts[at] = sequence;
    else if (joinsAbove) this.#firsts[at + 1] = sequence;
    else {
      this.#firsts.splice(at + 1, 0, sequence);
      this.#lasts.splice(at + 1, 0, sequence);
      if (this.#firsts.length > MAX_GAPS + 1) this.#forget();
    }
  }

  /** The last range that begins at or below a number; -1: there is none. */
  #rangeFrom(sequence: number): number {
    let low = 0;
    let high = this.#firsts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#firsts[middle]! <= sequence) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** A range and the next one become one. */
  #join(at: number): void {
    this.#lasts[at] = this.#lasts[at + 1]!;
    this.#firsts.splice(at + 1, 1);
    this.#lasts.splice(at + 1, 1);
  }

  /** Discards the lowest gap, or one next to the unknown range, so that there is only one unknown range. */
  #forget(): void {
    const before = this.#unknown;
    const holding = before ? this.#rangeFrom(before.first) : 0;
    const at = holding + 1 < this.#firsts.length ? holding : holding - 1;
    const first = this.#firsts[at]!;
    const last = this.#lasts[at + 1]!;
    const certain = this.#lasts[at]! - first + 1 + last - this.#firsts[at + 1]! + 1;
    const known = before ? before.came - (before.last - before.first + 1) : 0;
    this.#unknown = { first, last, came: certain + known };
    this.#join(at);
  }

  /** Ranges of the numbers from `first` to `last` that did not come; of what is unknown none. */
  missingBetween(first: number, last: number): [number, number][] {
    const missing: [number, number][] = [];
    let next = first;
    for (let at = Math.max(0, this.#rangeFrom(first)); at < this.#firsts.length && next <= last; at++) {
      if (this.#firsts[at]! > next) missing.push([next, Math.min(last, this.#firsts[at]! - 1)]);
      next = Math.max(next, this.#lasts[at]! + 1);
    }
    if (next <= last) missing.push([next, last]);
    return missing;
  }

  /** Number of different numbers below `first` or above `last`; an upper bound if some are unknown. */
  countOutside(first: number, last: number): number {
    let count = 0;
    for (let at = 0; at < this.#firsts.length; at++) {
      const from = this.#firsts[at]!;
      const to = this.#lasts[at]!;
      count += to - from + 1 - Math.max(0, Math.min(to, last) - Math.max(from, first) + 1);
    }
    return count;
  }

  get verdict(): SequenceVerdict {
    const count = this.#firsts.length;
    const [first, last] = count > 0 ? [this.#firsts[0]!, this.#lasts[count - 1]!] : [Number.NaN, Number.NaN];
    const unknown = this.#unknown;
    return {
      numbered: this.#numbered,
      repeated: this.#repeated,
      unusable: this.#unusable,
      missing: count > 0 ? this.missingBetween(first, last) : [],
      unknown: unknown && {
        first: unknown.first,
        last: unknown.last,
        missingAtLeast: Math.max(0, unknown.last - unknown.first + 1 - unknown.came),
      },
      first,
      last,
    };
  }
}
