import { EMPTY, LINE } from './ring-layout.js';
import type { RingOperations } from './ring-operations.js';

/** So many slots are claimed at a time, if they are a small part of their pool. */
const MOST = 16;
const SHARE = 4;

/**
 * Slots of a pool that only this thread claims from, claimed a few at a time for its next frames: their lines come from the
 * other processors together, and the gate is passed once. What stands here is missing nowhere, since nobody else would get it.
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

  /** The slot that `take` gives next, claimed now if need be; EMPTY when there is none, or the gate is closed. */
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

  /** Takes back a slot that was not used. */
  putBack(slot: number): void {
    this.#slots.push(slot);
  }

  /** All that is left, which no longer belongs to the stock: to be released. */
  empty(): number[] {
    return this.#slots.splice(0);
  }
}
