import { LINE } from '../ring/ring-layout.js';
import type { PartialPlan, Plan, StageNode } from './plan-types.js';

/**
 * What the partials of a stage hold of the frames of one source: one block of counts for each worker. That worker writes all
 * words plainly, except `dirty`; after its death the supervisor writes them.
 *
 *   0: dirty | dirtyPart |            the record word, its low bit set, with which the worker began to change that part
 *  64: bank 0: merged | lost | results | frames | { held, stretch, first, last } of each of its parts
 *      bank 1: the same               the parity of the record's sequence names the live one, as with all counters
 *
 * A commit writes the idle bank and publishes it by its record word, together with the settlement of the frame: a part holds
 * exactly the frames that its live bank counts, unless it is dirty, which is over as soon as the record word has moved on.
 * `stretch`: the number of ends that the source had sent when the frames of the part came. A stretch is what comes between two
 * ends. `merged`: this worker has committed a result of all stretches below it, so that their parts are void, in all blocks.
 * `lost`: frames that were in parts which came into no result. `results`: results that it handed on; `frames`: how many frames
 * those hold. `first`, `last` (f64 each): least and greatest number of the frames of a part.
 */
export const BOOK = { dirty: 0, dirtyPart: 4, banks: 64 } as const;
export const BOOK_BANK = {
  merged: 0,
  lost: 4,
  results: 8,
  frames: 12,
  parts: 16,
  held: 0,
  stretch: 4,
  first: 8,
  last: 16,
  partBytes: 24,
} as const;

export const bankBytesOf = (parts: number): number => BOOK_BANK.parts + BOOK_BANK.partBytes * parts;
export const bookBytesOf = (parts: number): number => BOOK.banks + 2 * bankBytesOf(parts);

/** The partials of one stage and source in shared memory: read by the worker that merges, and by the supervisor. */
export class PartialBooks {
  readonly plan: PartialPlan;
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;
  readonly #lines: readonly number[];

  constructor(words: Int32Array, plan: Plan, stage: StageNode, partial: PartialPlan) {
    this.#words = words;
    this.#numbers = new Float64Array(words.buffer);
    this.plan = partial;
    this.#lines = stage.threads.map((thread) => plan.threads[thread]!.line);
  }

  get workers(): number {
    return this.#lines.length;
  }

  owner(part: number): number {
    return part % this.workers;
  }

  word(address: number): number {
    return this.#words[address >>> 2]!;
  }

  setWord(address: number, value: number): void {
    this.#words[address >>> 2] = value;
  }

  /** Address of a bank of a worker: the current one, or with `ahead` 1 the one that the next commit makes current. */
  bank(worker: number, ahead: 0 | 1 = 0): number {
    const record = Atomics.load(this.#words, (this.#lines[worker]! + LINE.record) >>> 2); // acquires: the bank
    return this.plan.books[worker]! + BOOK.banks + (((record >>> 1) + ahead) & 1) * this.plan.bankBytes;
  }

  /** Address of the entry of a part in a bank of its owner. */
  entry(part: number, bank: number): number {
    return bank + BOOK_BANK.parts + BOOK_BANK.partBytes * Math.trunc(part / this.workers);
  }

  /** Frames in a part that no result has yet, of stretch `stretch` or of any. */
  held(part: number, stretch?: number): number {
    const entry = this.entry(part, this.bank(this.owner(part)));
    const of = this.word(entry + BOOK_BANK.stretch);
    if (stretch === undefined ? this.#isMerged(of) : of !== stretch) return 0;
    return this.word(entry + BOOK_BANK.held);
  }

  /** Least and greatest number of the frames in a part. */
  numbers(part: number): [first: number, last: number] {
    const entry = this.entry(part, this.bank(this.owner(part)));
    return [this.#numbers[(entry + BOOK_BANK.first) >>> 3]!, this.#numbers[(entry + BOOK_BANK.last) >>> 3]!];
  }

  setNumbers(entry: number, first: number, last: number): void {
    this.#numbers[(entry + BOOK_BANK.first) >>> 3] = first;
    this.#numbers[(entry + BOOK_BANK.last) >>> 3] = last;
  }

  #isMerged(stretch: number): boolean {
    for (let worker = 0; worker < this.workers; worker++)
      if (((this.word(this.bank(worker) + BOOK_BANK.merged) - stretch) | 0) > 0) return true;
    return false;
  }

  /**
   * Partials that a dead worker left half changed: their frames are lost. Call only while no other thread is inside;
   * returns the number of frames.
   */
  loseTorn(worker: number): number {
    const book = this.plan.books[worker]!;
    const record = this.word(this.#lines[worker]! + LINE.record);
    if (Atomics.load(this.#words, (book + BOOK.dirty) >>> 2) !== ((record & ~1) | 1)) return 0;
    this.setWord(book + BOOK.dirty, 0);
    return this.#lose(this.word(book + BOOK.dirtyPart));
  }

  /**
   * No worker will receive the end of the stretch: the frames held of it are lost. Call only while no other thread is
   * inside; returns the number of frames.
   */
  loseAll(): number {
    let lost = 0;
    for (let part = 0; part < this.plan.parts.length; part++) lost += this.#lose(part);
    return lost;
  }

  #lose(part: number): number {
    const held = this.held(part);
    this.setWord(this.entry(part, this.bank(this.owner(part))) + BOOK_BANK.held, 0);
    return held;
  }

  /** Frames that workers themselves found to be in no result. */
  get lost(): number {
    let sum = 0;
    for (let worker = 0; worker < this.workers; worker++) sum += this.word(this.bank(worker) + BOOK_BANK.lost);
    return sum;
  }
}
