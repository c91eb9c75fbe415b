/** Most separate gaps that are remembered; beyond that only their count is kept. */
const MAX_RANGES = 1000;

export interface SequenceVerdict {
  /** Frames that carried a number of their sender. */
  readonly numbered: number;
  readonly repeated: number;
  /** Ranges that never came between the first and the last number, ends included. */
  readonly missing: readonly (readonly [number, number])[];
  /** Gaps beyond the ones listed. */
  readonly unlisted: number;
  /** Least and greatest number; NaN where there was none. */
  readonly first: number;
  readonly last: number;
}

/** Follows a sender's own numbers: gaps, late arrivals that close them, repeats. */
export class SequenceTracker {
  #next = 0;
  #first = Number.NaN;
  #numbered = 0;
  #repeated = 0;
  #unlisted = 0;
  #missing: [number, number][] = [];

  add(sequence: number): void {
    if (this.#numbered++ === 0) this.#first = sequence;
    else if (sequence < this.#first) this.#first = sequence;
    if (this.#numbered === 1 || sequence === this.#next) {
      this.#next = sequence + 1;
      return;
    }
    if (sequence > this.#next) {
      if (this.#missing.length < MAX_RANGES) this.#missing.push([this.#next, sequence - 1]);
      else this.#unlisted++;
      this.#next = sequence + 1;
      return;
    }
    this.#close(sequence);
  }

  #close(sequence: number): void {
    const at = this.#missing.findIndex(([first, last]) => sequence >= first && sequence <= last);
    if (at < 0) {
      this.#repeated++;
      return;
    }
    const [first, last] = this.#missing[at]!;
    const rest: [number, number][] = [];
    if (first < sequence) rest.push([first, sequence - 1]);
    if (sequence < last) rest.push([sequence + 1, last]);
    // A gap that falls into two must not make the list grow beyond its end: a sender chooses its numbers as it likes.
    if (rest.length === 2 && this.#missing.length >= MAX_RANGES) {
      rest.pop();
      this.#unlisted++;
    }
    this.#missing.splice(at, 1, ...rest);
  }

  get verdict(): SequenceVerdict {
    return {
      numbered: this.#numbered,
      repeated: this.#repeated,
      missing: this.#missing.map((range) => [...range] as [number, number]),
      unlisted: this.#unlisted,
      first: this.#first,
      last: this.#numbered === 0 ? Number.NaN : this.#next - 1,
    };
  }
}
