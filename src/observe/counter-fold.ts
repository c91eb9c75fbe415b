/** Extends 32-bit counters of other threads, which wrap, to numbers that do not: sums the wrapped differences. */
export class CounterFold {
  readonly #last: Int32Array;
  readonly totals: Float64Array;

  constructor(words: number, start = 0) {
    this.#last = new Int32Array(words).fill(start);
    this.totals = new Float64Array(words);
  }

  /** Must be called before any counter wraps completely. */
  fold(word: number, value: number): void {
    this.totals[word]! += (value - this.#last[word]!) >>> 0;
    this.#last[word] = value;
  }
}
