import { EMPTY, LINE } from './ring-layout.js';
import type { RingOperations } from './ring-operations.js';

/** Slots that are claimed at a time: at most MOST, and at most one in SHARE of the pool. */
const MOST = 16;
const SHARE = 4;

/**
 * Slots of a pool that only this thread claims from, claimed a few at a time for its next frames. Their cache lines come from the
 * other processors together, and the thread passes the gate once. No other thread lacks these slots.
 */
export class SlotStock {
  readonly #ring: RingOperations;
  readonly #words: Int32Array;
  readonly #batch: number;
  readonly #pool: number;
  readonly #size: number;
  readonly #slots: number[] = [];

  /** `line` and `pool`: addresses of the thread's line and of the free ring; `slots`: how many the pool has. */
  constructor(ring: RingOperations, words: Int32Array, line: number, pool: number, slots: number) {
    this.#ring = ring;
    this.#words = words;
    this.#batch = (line + LINE.batch) >>> 2;
    this.#pool = pool;
    this.#size = Math.max(1, Math.min(MOST, Math.floor(slots / SHARE)));
  }

  /** The slot that `take` returns next. It is claimed now if the stock is empty. EMPTY: there is none, or the gate is closed. */
  peek(): number {
    const { length } = this.#slots;
    if (length > 0) return this.#slots[length - 1]!;
    const count = this.#ring.claimN(this.#pool, this.#size);
    for (let i = count - 1; i >= 0; i--) this.#slots.push(this.#words[this.#batch + i]!);
    return count > 0 ? this.#slots[count - 1]! : EMPTY;
  }

  take(): number {
    const slot = this.peek();
    if (slot !== EMPTY) this.#slots.pop();
    return slot;
  }

  /** Puts back a slot that was not used. */
  putBack(slot: number): void {
    this.#slots.push(slot);
  }

  /** Empties the stock, and returns its slots: the caller releases them. */
  empty(): number[] {
    return this.#slots.splice(0);
  }
}
