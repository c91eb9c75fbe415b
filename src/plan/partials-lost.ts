import { LINE, SOURCE } from '../ring/ring-layout.js';
import { AGGREGATE_COUNTS, countAddress, liveCountBank } from './aggregate-counts.js';
import { PartialBooks } from './partial-books.js';
import type { Plan } from './plan-types.js';

/**
 * Frames of a source that were counted as merged and whose result will never exist. The supervisor adds those of dead workers
 * to the word `partialsLost` of the source, which it alone writes. Workers count the others in their own blocks. Both are
 * written before the inputs are settled, so that a reader that finds the source at rest finds all losses.
 */
export class PartialsLost {
  readonly #words: Int32Array;
  readonly #addresses: readonly number[];
  readonly #books: readonly PartialBooks[];
  readonly #held: readonly { readonly banks: number; readonly line: number }[];

  constructor(words: Int32Array, plan: Plan) {
    this.#words = words;
    this.#addresses = plan.sources.map(({ block }) => (block + SOURCE.partialsLost) >>> 2);
    this.#held = plan.stages.flatMap(({ countBanks, threads }) =>
      countBanks.map((banks, worker) => ({ banks, line: plan.threads[threads[worker]!]!.line })),
    );
    this.#books = plan.stages.flatMap((stage) => stage.aggregates.map((partial) => new PartialBooks(words, plan, stage, partial)));
  }

  /** By the supervisor, with the gate closed. */
  add(source: number, frames: number): void {
    Atomics.add(this.#words, this.#addresses[source]!, frames); // publishes: the loss, to each thread that passes the gate after it
  }

  of(source: number): number {
    let lost = Atomics.load(this.#words, this.#addresses[source]!); // acquires: the loss
    for (const books of this.#books) if (books.plan.source === source) lost += books.lost;
    for (const { banks, line } of this.#held) {
      const record = Atomics.load(this.#words, (line + LINE.record) >>> 2); // acquires: the bank
      const sources = this.#addresses.length;
      lost += this.#words[countAddress(liveCountBank(banks, record, sources), AGGREGATE_COUNTS.lost, sources, source) >>> 2]!;
    }
    return lost;
  }
}
