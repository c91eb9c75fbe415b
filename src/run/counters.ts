import { LETTER_STATS } from '../dead-letters/letter-box.js';
import type { ArenaViews } from '../frame/arena-views.js';
import { CounterFold } from '../observe/counter-fold.js';
import { type LateCounts, lateCounts } from '../observe/late-losses.js';
import { OUTCOME, type OutcomeName, outcomeName } from '../observe/outcome.js';
import type { DeadLetterReport, Ledger } from '../observe/report.js';
import { SINK_STATS } from '../observe/sink-stats.js';
import type { EdgePlan, Plan, SinkNode, SourceNode } from '../plan/plan-types.js';
import { ARRAY, BANK, EMPTY, ENTRY, LEAF_OUTCOMES, LEDGER, LINE, MAX_LEAVES, RING, SOURCE } from '../ring/ring-layout.js';
import { AggregateTotals } from './aggregate-totals.js';
import { ledgerOf, type OutcomeCounts, SinkLedgers, withLate } from './sink-ledgers.js';

/** From this code on: messages that did not become frames. */
const FIRST_REFUSED = OUTCOME.malformed;

export interface StageTotals {
  frames: number;
  bytes: number;
  busyUs: number;
}

/** Reads all counters in the arena on the main thread. `poll` must run at least every few seconds. */
export class Counters {
  readonly #arena: ArenaViews;
  readonly #plan: Plan;
  readonly #partialsLost: (source: number) => number;
  readonly aggregates: AggregateTotals;
  readonly #ledgers: CounterFold[];
  readonly #views: readonly (SinkLedgers | undefined)[];
  readonly #frames: CounterFold;
  readonly #busy: CounterFold;
  readonly #letters: CounterFold;

  /** `partialsLost`: by source, frames whose aggregate died with its worker. */
  constructor(arena: ArenaViews, plan: Plan, partialsLost: (source: number) => number = () => 0) {
    this.#partialsLost = partialsLost;
    this.#arena = arena;
    this.#plan = plan;
    this.aggregates = new AggregateTotals(arena.words, plan);
    this.#ledgers = plan.sources.map(() => {
      const fold = new CounterFold(LEDGER.words);
      // Ordinals need not start at 0, counts do.
      fold.fold(LEDGER.given, plan.startOrdinal);
      fold.fold(LEDGER.low, plan.startOrdinal);
      fold.totals.fill(0);
      return fold;
    });
    this.#views = plan.sources.map((source) => (source.views ? new SinkLedgers(arena, source) : undefined));
    this.#frames = new CounterFold(plan.threads.length);
    this.#busy = new CounterFold(plan.threads.length);
    this.#letters = new CounterFold((plan.threads.length + 1) * LETTER_STATS.words);
  }

  poll(): void {
    for (const source of this.#plan.sources) this.#pollSource(source);
    for (const view of this.#views) view?.poll();
    for (const { thread, line } of this.#plan.threads) {
      this.#frames.fold(thread, this.#word(this.#bank(line) + 4 * BANK.frames));
      this.#busy.fold(thread, this.#word(line + LINE.busyUs));
    }
    this.aggregates.poll();
    this.#pollLetters();
  }

  #pollLetters(): void {
    const { deadLetters, threads } = this.#plan;
    if (!deadLetters) return;
    for (let thread = 0; thread <= threads.length; thread++) {
      for (let word = 0; word < LETTER_STATS.words; word++)
        this.#letters.fold(thread * LETTER_STATS.words + word, this.#word(deadLetters.stats + thread * LETTER_STATS.bytes + 4 * word));
    }
  }

  /** Dead letters of all threads; undefined if the pipeline keeps none. */
  deadLetters(): DeadLetterReport | undefined {
    if (!this.#plan.deadLetters) return undefined;
    const total = (word: number): number =>
      this.#letters.totals.reduce((sum, n, i) => sum + (i % LETTER_STATS.words === word / 4 ? n : 0), 0);
    return { written: total(LETTER_STATS.written), failed: total(LETTER_STATS.failed), omitted: total(LETTER_STATS.omitted) };
  }

  /**
   * The outcome of a frame of a finished run, or undefined when it is still owed, or so old that its entry has been
   * reused.
   */
  outcomeOf(source: SourceNode, ordinal: number): OutcomeName | undefined {
    const entry = source.table + (ordinal & (source.tableEntries - 1)) * ENTRY.bytes;
    if (this.#word(entry + ENTRY.ordinal) !== (ordinal | 0) || this.#word(entry + ENTRY.owed) !== 0) return undefined;
    return outcomeName(31 - Math.clz32(this.#word(entry + ENTRY.outcome)));
  }

  /** Reads a bank that is not being written: the record word must be the same before and after. */
  #pollSource(source: SourceNode): void {
    const record = this.#plan.threads[source.thread]!.line + LINE.record;
    const values = new Int32Array(LEDGER.words);
    for (let tries = 0; tries < 100; tries++) {
      const before = Atomics.load(this.#arena.words, record >>> 2);
      const bank = source.block + SOURCE.banks + ((before >>> 1) & 1) * SOURCE.bankBytes;
      for (let i = 0; i < LEDGER.words; i++) values[i] = this.#word(bank + 4 * i);
      if (Atomics.load(this.#arena.words, record >>> 2) >>> 1 === before >>> 1) break;
    }
    for (const [i, value] of values.entries()) this.#ledgers[source.index]!.fold(i, value);
  }

  #word(address: number): number {
    return this.#arena.words[address >>> 2]!;
  }

  #bank(line: number): number {
    const record = Atomics.load(this.#arena.words, (line + LINE.record) >>> 2);
    return line + LINE.banks + ((record >>> 1) & 1) * BANK.bytes;
  }

  /**
   * By the leaves of the required sinks. With `isOver`, a frame settled there is not in flight, whatever its state
   * elsewhere.
   */
  ledger(source: SourceNode, isOver = false): Ledger & { readonly bytes: number } {
    const { totals } = this.#ledgers[source.index]!;
    const ledger = this.#ledgerBy(source, (code) => totals[LEDGER.counts + code]!, source.views?.headline, isOver);
    return {
      ...withLate(ledger, this.late(source.counted, source)),
      bytes: totals[LEDGER.bytesHigh]! * 2 ** 32 + (this.#lowBytes(source) >>> 0),
    };
  }

  /** Outcomes of the frames of each source at a sink: each balances against the frames that the source received. */
  sinkLedgers(sink: string, isOver = false): Record<string, Ledger> {
    const ledgers: Record<string, Ledger> = {};
    for (const source of this.#plan.sources) {
      const at = source.sinks.findIndex((one) => one.sink === sink);
      if (at < 0) continue;
      const view = this.#views[source.index];
      if (!view) {
        const { bytes: _, ...ledger } = this.ledger(source, isOver);
        ledgers[source.name] = ledger;
        continue;
      }
      const { totals } = this.#ledgers[source.index]!;
      const counts = view.counts(at);
      // Messages that did not become frames have no leaves, and are dead at every sink.
      const count = (code: number): number => (code >= FIRST_REFUSED ? totals[LEDGER.counts + code]! : counts(code));
      ledgers[source.name] = withLate(this.#ledgerBy(source, count, source.sinks[at]!.leaves, isOver), this.late([sink], source));
    }
    return ledgers;
  }

  /** Frames of a source that sinks accepted but have not delivered. */
  late(sinks: readonly string[], source: SourceNode): LateCounts {
    const addresses = this.#plan.sinks.filter(({ name }) => sinks.includes(name)).map(({ late }) => late);
    return lateCounts(this.#arena.words, addresses, source.index);
  }

  #ledgerBy(source: SourceNode, count: OutcomeCounts, leaves: number | undefined, isOver: boolean): Ledger {
    const { totals } = this.#ledgers[source.index]!;
    let inFlight = totals[LEDGER.records]! - totals[LEDGER.settled]!;
    let all = count;
    const view = this.#views[source.index];
    if (isOver && view && leaves !== undefined && inFlight > 0) {
      const bank = this.#sourceBank(source);
      const ended = view.endedOf(leaves, this.#word(bank + 4 * LEDGER.low), this.#word(bank + 4 * LEDGER.given));
      for (const n of ended.values()) inFlight -= n;
      all = (code) => count(code) + (ended.get(code) ?? 0);
    }
    return ledgerOf(all, totals[LEDGER.received]!, inFlight, this.#partialsLost(source.index));
  }

  #sourceBank(source: SourceNode): number {
    const record = Atomics.load(this.#arena.words, (this.#plan.threads[source.thread]!.line + LINE.record) >>> 2);
    return source.block + SOURCE.banks + ((record >>> 1) & 1) * SOURCE.bankBytes;
  }

  #lowBytes(source: SourceNode): number {
    return this.#word(this.#sourceBank(source) + 4 * LEDGER.bytesLow);
  }

  stage(threads: readonly number[]): StageTotals {
    const totals: StageTotals = { frames: 0, bytes: 0, busyUs: 0 };
    for (const thread of threads) {
      const { line } = this.#plan.threads[thread]!;
      const bank = this.#bank(line);
      totals.frames += this.#frames.totals[thread]!;
      totals.bytes += (this.#word(bank + 4 * BANK.bytesLow) >>> 0) + (this.#word(bank + 4 * BANK.bytesHigh) >>> 0) * 2 ** 32;
      totals.busyUs += this.#busy.totals[thread]!;
    }
    return totals;
  }

  /**
   * Grows with every frame that a source passes on, that a worker or sink has finished, or that is settled: with every
   * kind of progress.
   */
  progress(): number {
    const settled = this.#ledgers.reduce((sum, { totals }) => sum + totals[LEDGER.records]! + totals[LEDGER.settled]!, 0);
    return settled + this.#frames.totals.reduce((sum, frames) => sum + frames, 0);
  }

  sink(node: SinkNode): { delivered: number; redelivered: number; refused: number; outageMs: number } {
    const read = (word: number): number => this.#word(node.stats + word) >>> 0;
    return {
      delivered: read(SINK_STATS.delivered),
      redelivered: read(SINK_STATS.redelivered),
      refused: read(SINK_STATS.refused),
      outageMs: read(SINK_STATS.outageMs),
    };
  }

  /** References that wait on an edge; an unsynchronised read, exact at rest. */
  depth(edge: EdgePlan): number {
    if (edge.kind === 'fifo') return Math.max(0, (this.#word(edge.ring + RING.tail) - this.#word(edge.ring + RING.head)) | 0);
    let waiting = 0;
    for (const source of this.#plan.sources) {
      const cells = edge.ring + RING.cells + source.index * edge.arrayStride + ARRAY.cells;
      for (let i = 0; i < edge.cells; i++) if (this.#word(cells + 8 * i + 4) !== EMPTY) waiting++;
    }
    return waiting;
  }

  /** Frames that each leaf still owes, by leaf number. For a run that is at rest or given up. */
  owed(source: SourceNode): number[] {
    const counts = new Array<number>(32).fill(0);
    const bank = this.#sourceBank(source);
    const given = this.#word(bank + 4 * LEDGER.given);
    for (let n = this.#word(bank + 4 * LEDGER.low); n !== given; n = (n + 1) | 0) {
      const entry = source.table + (n & (source.tableEntries - 1)) * ENTRY.bytes;
      const owed = this.#word(entry + ENTRY.owed);
      for (let leaf = 0; leaf < MAX_LEAVES; leaf++)
        if ((owed >>> leaf) & 1) counts[leaf]! += this.#word(entry + ENTRY.count) - this.#endedBefore(source, n, leaf);
    }
    return counts;
  }

  /** Records of a parcel that were settled on a leaf before the others. */
  #endedBefore({ parcel, table, tableEntries }: SourceNode, ordinal: number, leaf: number): number {
    const entry = ordinal & (tableEntries - 1);
    if (!parcel || this.#word(table + entry * ENTRY.bytes + ENTRY.split) === 0) return 0;
    const from = parcel.outcomes + entry * parcel.outcomeStride + LEAF_OUTCOMES + leaf * parcel.maxRecords;
    return this.#arena.bytes.subarray(from, from + this.#word(table + entry * ENTRY.bytes + ENTRY.count)).filter((code) => code !== 0)
      .length;
  }

  /** Frames that each sink is still owed. For a run that is at rest or given up. */
  owedBySink(): Record<string, number> {
    const owed: Record<string, number> = Object.create(null);
    for (const source of this.#plan.sources) {
      const counts = this.owed(source);
      for (const { name } of this.#plan.sinks) {
        const leaves = this.#plan.edges.flatMap((edge) => (edge.node === name ? edge.leaves[source.index]! : []));
        const mask = leaves.reduce((all, some) => all | some, 0);
        const open = counts.reduce((sum, count, leaf) => ((mask >>> leaf) & 1 ? sum + count : sum), 0);
        const { pending, unsettled } = this.late([name], source);
        const frames = open + Math.max(0, pending - unsettled); // The sink's thread may be writing these words.
        if (frames > 0) owed[name] = (owed[name] ?? 0) + frames;
      }
    }
    return owed;
  }
}
