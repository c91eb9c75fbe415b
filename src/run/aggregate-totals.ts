import { CounterFold } from '../observe/counter-fold.js';
import type { AggregatesReport } from '../observe/report.js';
import { AGGREGATE_COUNTS, countAddress, liveCountBank } from '../plan/aggregate-counts.js';
import { BOOK_BANK, PartialBooks } from '../plan/partial-books.js';
import type { Plan, StageNode } from '../plan/plan-types.js';
import { LINE } from '../ring/ring-layout.js';

const COUNTS: readonly (keyof AggregatesReport)[] = ['results', 'frames', 'lost'];

/** One set of counters of a worker: addresses of the words that COUNTS names, at this moment. */
type Place = () => readonly number[];

/** Reads the aggregate counters of the stages on the main thread. */
export class AggregateTotals {
  readonly #words: Int32Array;
  readonly #places: readonly { readonly stage: string; readonly place: Place }[];
  readonly #fold: CounterFold;

  constructor(words: Int32Array, plan: Plan) {
    this.#words = words;
    this.#places = plan.stages.flatMap((stage) => [
      ...this.#ofHeld(plan, stage).map((place) => ({ stage: stage.name, place })),
      ...this.#ofBooks(plan, stage).map((place) => ({ stage: stage.name, place })),
    ]);
    this.#fold = new CounterFold(this.#places.length * COUNTS.length);
  }

  #ofHeld(plan: Plan, { countBanks, threads }: StageNode): Place[] {
    const sources = plan.sources.length;
    return countBanks.flatMap((banks, worker) => {
      const record = (plan.threads[threads[worker]!]!.line + LINE.record) >>> 2;
      return plan.sources.map((_, source) => () => {
        const live = liveCountBank(banks, Atomics.load(this.#words, record), sources); // acquires: the bank
        return COUNTS.map((count) => countAddress(live, AGGREGATE_COUNTS[count], sources, source));
      });
    });
  }

  #ofBooks(plan: Plan, stage: StageNode): Place[] {
    return stage.aggregates.flatMap((partial) => {
      const books = new PartialBooks(this.#words, plan, stage, partial);
      return stage.threads.map((_, worker) => () => {
        const bank = books.bank(worker);
        return COUNTS.map((count) => bank + BOOK_BANK[count]);
      });
    });
  }

  /** Must be called before any counter wraps completely. */
  poll(): void {
    for (const [i, { place }] of this.#places.entries())
      for (const [k, address] of place().entries()) this.#fold.fold(i * COUNTS.length + k, this.#words[address >>> 2]!);
  }

  /** Counters of a stage; undefined if it does not aggregate. */
  of(stage: string): AggregatesReport | undefined {
    const totals = [0, 0, 0];
    let found = false;
    for (const [i, place] of this.#places.entries()) {
      if (place.stage !== stage) continue;
      found = true;
      for (let k = 0; k < COUNTS.length; k++) totals[k]! += this.#fold.totals[i * COUNTS.length + k]!;
    }
    const [results, frames, lost] = totals as [number, number, number];
    return found ? { results, frames, lost } : undefined;
  }
}
