import { waitForGate } from '../../ring/park.js';
import { GATE_CLOSED } from '../../ring/ring-layout.js';
import type { RingOperations } from '../../ring/ring-operations.js';

/**
 * The ring operations that must succeed, for threads that may block: each waits while the gate is closed, and tries again.
 * One method for each operation, and no function as an argument: most of them run once for each frame, and allocate nothing.
 */
export class GatedRing {
  readonly #ring: RingOperations;
  readonly #words: Int32Array;

  constructor(ring: RingOperations, words: Int32Array) {
    this.#ring = ring;
    this.#words = words;
  }

  release(reference: number): void {
    while (this.#ring.release(reference) === GATE_CLOSED) waitForGate(this.#words);
  }

  fanClaimed(slot: number, branches: number): void {
    while (this.#ring.fanClaimed(slot, branches) === GATE_CLOSED) waitForGate(this.#words);
  }

  fanHeld(reference: number, branches: number): void {
    while (this.#ring.fanHeld(reference, branches) === GATE_CLOSED) waitForGate(this.#words);
  }

  link(previous: number, slot: number): void {
    while (this.#ring.link(previous, slot) === GATE_CLOSED) waitForGate(this.#words);
  }

  dropHeld(ring: number, reference: number, code: number): void {
    while (this.#ring.dropHeld(ring, reference, code) === GATE_CLOSED) waitForGate(this.#words);
  }

  refuse(code: number): void {
    while (this.#ring.refuse(code) === GATE_CLOSED) waitForGate(this.#words);
  }

  /** How many outputs were handed over. */
  commit(inputs: number, outputs: number, settlements: number, frames: number, bytes: number): number {
    for (;;) {
      const done = this.#ring.commit(inputs, outputs, settlements, frames, bytes);
      if (done !== GATE_CLOSED) return done;
      waitForGate(this.#words);
    }
  }

  /** How many outputs were handed over. */
  commitFrame(source: number, leaves: number, outputs: number, bytes: number, count: number): number {
    for (;;) {
      const done = this.#ring.commitFrame(source, leaves, outputs, bytes, count);
      if (done !== GATE_CLOSED) return done;
      waitForGate(this.#words);
    }
  }

  /** How many outputs are handed over. */
  resume(from: number): number {
    for (;;) {
      const done = this.#ring.resume(from);
      if (done !== GATE_CLOSED) return done;
      waitForGate(this.#words);
    }
  }
}
