const HEAD = 0;
const TAIL = 32;
const WORDS = 64;

/**
 * The least that two threads can do: a queue of one producer and one consumer over `places` buffers that stand in shared
 * memory, two counters and nothing else. What the slots cost is told against it, since it moves the same lines.
 */
export class BareQueue {
  readonly #counters: Int32Array;
  readonly #mask: number;
  #position = 0;
  #seen = 0;

  static memory(): SharedArrayBuffer {
    return new SharedArrayBuffer(4 * WORDS);
  }

  constructor(memory: SharedArrayBuffer, places: number) {
    this.#counters = new Int32Array(memory);
    this.#mask = places - 1;
  }

  /** The place to fill, or -1. */
  claim(): number {
    if (this.#position - this.#seen > this.#mask) this.#seen = Atomics.load(this.#counters, HEAD);
    return this.#position - this.#seen > this.#mask ? -1 : this.#position & this.#mask;
  }

  push(): void {
    Atomics.store(this.#counters, TAIL, ++this.#position);
  }

  /** The place to read, or -1. */
  peek(): number {
    if (this.#position === this.#seen) this.#seen = Atomics.load(this.#counters, TAIL);
    return this.#position === this.#seen ? -1 : this.#position & this.#mask;
  }

  release(): void {
    Atomics.store(this.#counters, HEAD, ++this.#position);
  }
}
