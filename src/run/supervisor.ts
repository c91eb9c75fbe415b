import { setImmediate as nextTurn } from 'node:timers/promises';
import { createClock } from '../agents/thread/clock.js';
import { readSlots } from '../agents/thread/read-slots.js';
import type { ThreadError } from '../agents/thread/thread-messages.js';
import { LetterBox } from '../dead-letters/letter-box.js';
import { asMillraceError, MillraceError } from '../errors/errors.js';
import type { Logger } from '../errors/logger.js';
import { SLOT } from '../frame/slot-layout.js';
import { OUTCOME } from '../observe/outcome.js';
import { SINK_STATS } from '../observe/sink-stats.js';
import { AGGREGATE_COUNTS, countAddress, liveCountBank } from '../plan/aggregate-counts.js';
import { PartialBooks } from '../plan/partial-books.js';
import { PartialsLost } from '../plan/partials-lost.js';
import type { Plan, StageNode } from '../plan/plan-types.js';
import { Census } from '../ring/census.js';
import type { CensusResult } from '../ring/census-types.js';
import { wakeThreads } from '../ring/park.js';
import { BANK, CONTROL, ENTRY, LINE, SLOT_MASK } from '../ring/ring-layout.js';
import { loadRing } from '../ring/ring-operations.js';
import { AwakeClock } from './awake-clock.js';

/** A live thread is inside a ring operation for microseconds, or until it is scheduled again. */
const PATIENCE_MS = 5000;

export interface SupervisorEvents {
  /** Other threads have taken over the frames of the dead thread; a successor may start. */
  recovered(thread: number): void;
  /** The memory is inconsistent, or a thread does not leave a ring operation: the run cannot continue. */
  failed(error: MillraceError): void;
}

/** Counts of the recoveries for one node, for its report. */
export interface RecoveryCounts {
  restarts: number;
  redispatched: number;
  lost: number;
  /** Ends of series that passed without the operators of the node; absent if none. */
  endsGivenUp?: number;
}

/**
 * Recovers from the end of a worker: closes the gate, takes the census, hands its frames to other threads, opens the
 * gate.
 */
export class Supervisor {
  /** How long the others were paused, by recovery, in milliseconds. */
  readonly pausesMs: number[] = [];
  readonly #plan: Plan;
  readonly #words: Int32Array;
  readonly #log: Logger;
  readonly #events: SupervisorEvents;
  readonly #census: Census;
  readonly #dead = new Map<number, ThreadError>();
  /** The causes of the recovery in progress. */
  #causes: ReadonlyMap<number, ThreadError> = new Map();
  readonly #counts = new Map<string, RecoveryCounts>();
  readonly #partialsLost: PartialsLost;
  readonly #stageLost = new Map<string, number>();
  /** By stage. */
  readonly #books: ReadonlyMap<string, readonly PartialBooks[]>;
  readonly #nowUs = createClock();
  /** By thread: the ordinal of its current frame, when it started on it, and when that was first observed. */
  readonly #seen = new Map<number, { readonly since: number; readonly awakeMs: number }>();
  #busy = false;

  constructor(memory: WebAssembly.Memory, plan: Plan, log: Logger, events: SupervisorEvents) {
    this.#plan = plan;
    this.#words = new Int32Array(memory.buffer);
    this.#log = log;
    this.#events = events;
    this.#partialsLost = new PartialsLost(this.#words, plan);
    this.#books = new Map(
      plan.stages.map((stage) => [stage.name, stage.aggregates.map((partial) => new PartialBooks(this.#words, plan, stage, partial))]),
    );
    const ring = loadRing(memory);
    const { thread, line } = plan.supervisor;
    ring.attach(
      thread,
      line,
      CONTROL.gate,
      plan.headers,
      plan.stride,
      plan.sourceBlocks,
      line + LINE.banks,
      BANK.bytes,
      plan.poison ? 1 : 0,
    );
    const letters = plan.deadLetters && new LetterBox(plan.deadLetters, this.#words, thread, log);
    this.#census = new Census(memory, plan, ring, {
      lostCode: OUTCOME['worker-lost'],
      dropCodes: { 'drop-oldest': OUTCOME['drop-oldest'], latest: OUTCOME.latest },
      onRedispatch: (edge, records, slot) => {
        const { node } = plan.edges[edge - 1]!;
        this.counts(node).redispatched += records;
        // A sink may have written it before it died.
        const sink = plan.sinks.find(({ name }) => name === node);
        // Every output of its input: a chain of outputs comes again as one.
        if (sink) this.#words[(sink.stats + SINK_STATS.redelivered) >>> 2]! += readSlots(memory, plan, slot).length;
      },
      isSettled: (edge, reference) => this.#isSettled(edge, reference),
      onLost: ({ edge, slot, source, ordinal, attempts, thread, records, ends }) => {
        const cause = this.#causes.get(thread);
        const { name } = plan.sources[source]!;
        const { node } = plan.edges.find(({ number }) => number === edge)!;
        this.#log.error(
          { source: name, ordinal, attempts, stack: cause?.stack },
          ends
            ? `the end of a series of '${name}' is passed on without the operators of '${node}', because ${attempts} workers crashed on it: ${cause?.message}`
            : `frame ${ordinal} of '${name}' was given up after ${attempts} threads died while they processed it: ${cause?.message}`,
        );
        const counts = this.counts(node);
        if (ends) counts.endsGivenUp = (counts.endsGivenUp ?? 0) + 1;
        else counts.lost += records;
        if (letters && cause) letters.write(() => readSlots(memory, plan, slot), { node, outcome: 'worker-lost', attempts, cause });
      },
    });
  }

  /** A worker's thread has ended, or has left its loop. None of its code may run any more. */
  died(thread: number, cause: ThreadError): void {
    this.#dead.set(thread, cause);
    if (!this.#busy) void this.#recover();
  }

  counts(stage: string): RecoveryCounts {
    let counts = this.#counts.get(stage);
    if (!counts) {
      counts = { restarts: 0, redispatched: 0, lost: 0 };
      this.#counts.set(stage, counts);
    }
    return counts;
  }

  /** Frames of a source that were absorbed into a result that was lost with its worker. */
  partialsLost(source: number): number {
    return this.#partialsLost.of(source);
  }

  /**
   * Threads of a stage that have spent more than `stallMs` on one frame. `awakeMs`: the time on the run's awake clock.
   */
  stalled(stage: StageNode, awakeMs: number): number[] {
    return stage.threads.filter((thread) => this.#atFrameMs(thread, awakeMs) > stage.stallMs);
  }

  /** Whether a worker of the stage is processing a frame, within its time limit. */
  isAtWork(stage: StageNode, awakeMs: number): boolean {
    return stage.threads.some((thread) => {
      const atFrameMs = this.#atFrameMs(thread, awakeMs);
      return atFrameMs >= 0 && atFrameMs <= stage.stallMs;
    });
  }

  /**
   * How long a thread has spent on its frame, counting only time in which the process was awake; -1: it has no frame.
   */
  #atFrameMs(thread: number, awakeMs: number): number {
    const since = this.#word(this.#line(thread) + LINE.sinceMs);
    if (since === 0 || this.#dead.has(thread)) return -1;
    let seen = this.#seen.get(thread);
    if (seen?.since !== since) {
      seen = { since, awakeMs };
      this.#seen.set(thread, seen);
    }
    const elapsedMs = (Math.trunc(this.#nowUs() / 1e3) - since) | 0;
    // The time before the first observation was less than a poll, or time in which the process was stopped.
    return Math.min(elapsedMs, awakeMs - seen.awakeMs);
  }

  async #recover(): Promise<void> {
    this.#busy = true;
    try {
      while (this.#dead.size > 0) {
        const dead = await this.#takeStock();
        for (const thread of dead) this.#events.recovered(thread);
      }
    } catch (error) {
      this.#events.failed(asMillraceError(error, 'ERR_WORKER', 'recovery'));
    } finally {
      this.#busy = false;
    }
  }

  async #takeStock(): Promise<ReadonlySet<number>> {
    const startMs = performance.now();
    const clock = new AwakeClock();
    Atomics.store(this.#words, CONTROL.gate >>> 2, 1);
    try {
      while (
        this.#plan.threads.some(({ thread, line }) => !this.#dead.has(thread) && Atomics.load(this.#words, (line + LINE.busy) >>> 2) !== 0)
      ) {
        if (clock.tick() > PATIENCE_MS)
          throw new MillraceError('ERR_WORKER', `a thread stayed in a ring operation for more than ${PATIENCE_MS} ms`);
        await nextTurn();
      }
      this.#causes = new Map(this.#dead);
      this.#dead.clear();
      const dead = new Set(this.#causes.keys());
      for (const thread of dead) this.#losePartials(thread);
      const did = this.#census.run(dead);
      this.#count(dead, did);
      return dead;
    } finally {
      Atomics.store(this.#words, CONTROL.gate >>> 2, 0);
      Atomics.notify(this.#words, CONTROL.gate >>> 2);
      wakeThreads(
        this.#words,
        this.#plan.threads.map(({ line }) => line + LINE.park),
      );
      this.pausesMs.push(performance.now() - startMs);
    }
  }

  #count(dead: ReadonlySet<number>, did: CensusResult): void {
    for (const thread of dead) this.counts(this.#plan.threads[thread]!.node).restarts++;
    const cause = [...this.#causes.values()][0]!.message;
    const nodes = [...new Set([...dead].map((thread) => this.#plan.threads[thread]!.node))];
    const of = nodes.map((node) => `'${node}'`).join(', ');
    this.#log.warn(
      { nodes, threads: [...dead], ...did },
      `${dead.size === 1 ? 'a thread' : `${dead.size} threads`} of ${of} died and will be replaced: ${cause}`,
    );
  }

  /** Frames that the dead thread had absorbed were counted as merged; their result will never come. */
  #losePartials(thread: number): void {
    const { node, index } = this.#plan.threads[thread]!;
    for (const books of this.#books.get(node) ?? []) this.#lose(node, books.plan.source, books.loseTorn(index));
    const stage = this.#plan.stages.find(({ name }) => name === node);
    if (stage) this.#loseHeldBy(stage, index);
  }

  #loseHeldBy({ name, countBanks, threads }: StageNode, worker: number): void {
    const banks = countBanks[worker];
    if (banks === undefined) return;
    const sources = this.#plan.sources.length;
    const live = liveCountBank(banks, this.#word(this.#line(threads[worker]!) + LINE.record), sources);
    for (let source = 0; source < sources; source++) {
      const held = countAddress(live, AGGREGATE_COUNTS.held, sources, source) >>> 2;
      this.#lose(name, source, this.#words[held]!);
      this.#words[held] = 0;
    }
  }

  #lose(stage: string, source: number, frames: number): void {
    if (frames === 0) return;
    this.#partialsLost.add(source, frames);
    this.#stageLost.set(stage, (this.#stageLost.get(stage) ?? 0) + frames);
    const { name } = this.#plan.sources[source]!;
    this.#log.warn({ stage, source: name, frames }, `stage '${stage}' lost ${frames} merged frames of '${name}': no result contains them`);
  }

  /** Merged frames of a stage that the supervisor counted as lost. */
  lostBy(stage: string): number {
    return this.#stageLost.get(stage) ?? 0;
  }

  /** No worker runs any more, and none will: the frames that they still hold are in no result. */
  loseHeld(): void {
    for (const stage of this.#plan.stages) {
      for (const worker of stage.countBanks.keys()) this.#loseHeldBy(stage, worker);
      for (const books of this.#books.get(stage.name) ?? []) this.#lose(stage.name, books.plan.source, books.loseAll());
    }
  }

  #isSettled(edge: number, reference: number): boolean {
    const header = this.#plan.headers + (reference & SLOT_MASK) * this.#plan.stride;
    const { table, tableEntries, index } = this.#plan.sources[this.#word(header + SLOT.source)]!;
    const leaves = this.#plan.edges.find(({ number }) => number === edge)!.leaves[index]![reference >>> 24]!;
    const ordinal = this.#word(header + SLOT.ordinal);
    const entry = table + ENTRY.bytes * (ordinal & (tableEntries - 1));
    return this.#word(entry + ENTRY.ordinal) !== ordinal || (this.#word(entry + ENTRY.owed) & leaves) === 0;
  }

  #line(thread: number): number {
    return this.#plan.threads[thread]!.line;
  }

  #word(address: number): number {
    return this.#words[address >>> 2]!;
  }
}
