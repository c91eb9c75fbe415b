const MARKS = 16;

/**
 * Since when the frames of an edge have been on it, as far as observed: marks of the newest ordinal at a time. Marks
 * are at least an eighth of `waitUs` apart, which limits their number.
 */
export class Arrivals {
  #apartUs = 0;
  readonly #ordinals = new Int32Array(MARKS);
  readonly #timesUs = new Float64Array(MARKS);
  #first = 0;
  #count = 0;
  #lastUs = Number.NEGATIVE_INFINITY;

  constructor(waitUs: number) {
    this.waitUs = waitUs;
  }

  set waitUs(waitUs: number) {
    this.#apartUs = waitUs / 8;
  }

  /** Whether it is time to look again. */
  isDue(nowUs: number): boolean {
    return nowUs - this.#lastUs >= this.#apartUs && this.#count < MARKS;
  }

  /** All frames up to this ordinal have come. */
  note(newest: number, nowUs: number): void {
    this.#lastUs = nowUs;
    if (this.#count > 0 && ((newest - this.#ordinals[(this.#first + this.#count - 1) % MARKS]!) | 0) <= 0) return;
    const at = (this.#first + this.#count++) % MARKS;
    this.#ordinals[at] = newest;
    this.#timesUs[at] = nowUs;
  }

  /** When an ordinal, which is later than all that were asked for before, was seen first; now, if it was not. */
  sinceUs(ordinal: number, nowUs: number): number {
    while (this.#count > 0 && ((ordinal - this.#ordinals[this.#first]!) | 0) > 0) {
      this.#first = (this.#first + 1) % MARKS;
      this.#count--;
    }
    return this.#count > 0 ? this.#timesUs[this.#first]! : nowUs;
  }
}
