import { Attachment, bitIn } from '../../src/agents/thread/attachment.js';
import { createArena } from '../../src/memory/arena.js';
import { powerOfTwo } from '../../src/memory/power-of-two.js';
import { OUTCOME, OUTCOME_CODES } from '../../src/observe/outcome.js';
import { formatArena } from '../../src/plan/format-arena.js';
import type { Plan } from '../../src/plan/plan-types.js';
import { ARRAY, BELL, LEDGER, RING } from '../../src/ring/ring-layout.js';
import { seeded } from './arena.js';
import { SimulatedSink, SimulatedSource, type SimulatedThread, type Sleep } from './simulated-thread.js';
import { SimulatedAsyncWorker, SimulatedWorker } from './simulated-worker.js';

export interface Outcome {
  /** Who waits for what, where nobody can move and frames are left. */
  readonly locked: string | undefined;
  /** By source: received, still under way, and counts by outcome. */
  readonly ledgers: readonly { readonly received: number; readonly inFlight: number; readonly counts: Readonly<Record<string, number>> }[];
  /** Ordinals in the order in which a sink had them, by sink and source. */
  readonly taken: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly freeSlots: number;
  readonly turns: number;
  /** How often nobody could move before a join had waited for its time. */
  readonly timesWaited: number;
}

/** `holdLowest`: who has the lowest ordinal in hand stands still until nobody else can move. */
export interface PlanSimulationOptions {
  readonly seed: number;
  readonly frames: number;
  readonly holdLowest: boolean;
}

const MAX_TURNS = 2_000_000;
/** Longer than any join waits here. */
const PASSES_US = 1e7;

/**
 * Runs a plan on its real arena and ring operations, its threads taking turns by a seeded die. Who finds nothing to do
 * sleeps as in park.ts and without any time-out, so that a lock, or a lost wake-up, is a run in which nobody can move.
 * Time passes for joins of several sources only, and only when nobody can move.
 */
export function simulatePlan(planned: Plan, options: PlanSimulationOptions): Outcome {
  // Small tables: they fill up, and need not be written for each of a thousand runs.
  const entries = powerOfTwo(Math.max(planned.slots + 1, ...planned.edges.map(({ limit }) => limit)));
  const plan: Plan = { ...planned, sources: planned.sources.map((source) => ({ ...source, tableEntries: entries })) };
  const memory = createArena(plan.bytes);
  formatArena(memory, plan);
  return new PlanSimulation(plan, memory, options).run();
}

class PlanSimulation {
  readonly #plan: Plan;
  readonly #words: Int32Array;
  readonly #options: PlanSimulationOptions;
  readonly #die: (n: number) => number;
  readonly #threads: readonly SimulatedThread[];
  readonly #sources: readonly SimulatedSource[];
  readonly #asleep = new Map<SimulatedThread, (Sleep & { why: string }) | { readonly moves: number; readonly why: string }>();
  #moves = 0;
  #nowUs = 0;
  #timesWaited = 0;

  constructor(plan: Plan, memory: WebAssembly.Memory, options: PlanSimulationOptions) {
    this.#plan = plan;
    this.#words = new Int32Array(memory.buffer);
    this.#options = options;
    this.#die = seeded(options.seed);
    this.#threads = plan.threads.map(({ thread, node, index }) => {
      const attachment = Object.assign(new Attachment(memory, plan, thread), { nowUs: () => this.#nowUs });
      const source = plan.sources.find(({ name }) => name === node);
      if (source) return new SimulatedSource(attachment, source, options.frames);
      const stage = plan.stages.find(({ name }) => name === node);
      if (!stage) return new SimulatedSink(attachment, node);
      const Worker = stage.operators.some(({ type }) => type.endsWith('async')) ? SimulatedAsyncWorker : SimulatedWorker;
      return new Worker(attachment, stage, `${node}.${index}`);
    });
    this.#sources = this.#threads.filter((thread) => thread instanceof SimulatedSource);
  }

  run(): Outcome {
    let locked: string | undefined;
    let turns = 0;
    let before = -1;
    let waitedAt = -1;
    while (!this.#sources.every((source) => source.sent >= this.#options.frames && source.inFlight === 0)) {
      const thread = this.#next();
      if (!thread) {
        // Who looks and finds nothing may have passed cells that nothing comes for: who looks by time sees it.
        const passed = this.#passed();
        if (passed !== before) {
          before = passed;
          this.#moves++;
          continue;
        }
        if (waitedAt !== this.#moves && this.#passTime()) {
          waitedAt = this.#moves;
          continue;
        }
        locked = this.#threads.map((one) => `${one.name} waits for ${this.#asleep.get(one)?.why}`).join(', ');
        break;
      }
      if (++turns > MAX_TURNS) throw new Error(`seed ${this.#options.seed}: no end after ${MAX_TURNS} turns`);
      this.#turn(thread);
    }
    if (locked === undefined) for (const thread of this.#threads) thread.close();
    return { locked, turns, timesWaited: this.#timesWaited, ...this.#result() };
  }

  /** Wakes the joins that wait for another source. False: there is none. */
  #passTime(): boolean {
    const joins = this.#threads.filter((thread) => thread instanceof SimulatedWorker && thread.waitsByTime);
    this.#nowUs += PASSES_US;
    this.#timesWaited++;
    for (const thread of joins) {
      const sleep = this.#asleep.get(thread);
      if (sleep && 'bit' in sleep) Atomics.and(this.#words, sleep.sleepers, ~sleep.bit);
      this.#asleep.delete(thread);
    }
    return joins.length > 0;
  }

  /** Sum of the positions at which the ordered edges stand. */
  #passed(): number {
    let sum = 0;
    for (const { kind, ring, arrayStride } of this.#plan.edges)
      if (kind === 'ordered')
        for (let i = 0; i < this.#plan.sources.length; i++) sum += this.#words[(ring + RING.cells + i * arrayStride + ARRAY.next) >>> 2]!;
    return sum;
  }

  #next(): SimulatedThread | undefined {
    const awake = this.#threads.filter((thread) => this.#isAwake(thread));
    if (!this.#options.holdLowest) return awake[this.#die(awake.length)];
    let holder: SimulatedThread | undefined;
    for (const thread of this.#threads) {
      const held = thread.held();
      if (held !== undefined && (holder === undefined || held < holder.held()!)) holder = thread;
    }
    for (const thread of this.#threads) thread.holdsBack = thread === holder;
    // A holder with several frames goes on with the others; one with a single frame stands.
    const others = awake.filter((thread) => thread !== holder || thread instanceof SimulatedAsyncWorker);
    if (others.length > 0) return others[this.#die(others.length)];
    if (!holder) return undefined;
    holder.holdsBack = false;
    this.#asleep.delete(holder);
    return holder;
  }

  #turn(thread: SimulatedThread): void {
    const { park, thread: number } = thread.attachment;
    if (this.#moved(thread.turn())) return;
    const seen = Atomics.load(this.#words, park >>> 2);
    const wait = thread.turn(); // it may have come, but nobody is known to sleep yet
    if (this.#moved(wait)) return;
    if (wait === 'poll' || wait === undefined) {
      this.#asleep.set(thread, { moves: this.#moves, why: 'a slot, an input or its turn' });
      return;
    }
    const sleepers = (wait.bell + BELL.sleepers) >>> 2;
    const bit = bitIn(wait.members, number);
    Atomics.or(this.#words, sleepers, bit);
    const again = thread.turn();
    if (this.#moved(again) || again === 'poll' || again?.bell !== wait.bell) Atomics.and(this.#words, sleepers, ~bit);
    else this.#asleep.set(thread, { seen, sleepers, bit, why: wait.why });
  }

  #moved(wait: ReturnType<SimulatedThread['turn']>): boolean {
    if (wait !== undefined) return false;
    this.#moves++;
    return true;
  }

  #isAwake(thread: SimulatedThread): boolean {
    const sleep = this.#asleep.get(thread);
    if (!sleep) return true;
    if ('moves' in sleep) {
      if (sleep.moves === this.#moves) return false;
    } else {
      if (Atomics.load(this.#words, thread.attachment.park >>> 2) === sleep.seen) return false;
      Atomics.and(this.#words, sleep.sleepers, ~sleep.bit);
    }
    this.#asleep.delete(thread);
    return true;
  }

  #result(): Omit<Outcome, 'locked' | 'turns' | 'timesWaited'> {
    const ledgers = this.#sources.map((source) => ({
      received: source.ledger(LEDGER.received),
      inFlight: source.inFlight,
      counts: Object.fromEntries(
        Object.entries(OUTCOME).flatMap(([name, code]) => {
          const n = OUTCOME_CODES.includes(code) ? source.ledger(LEDGER.counts + code) : 0;
          return n > 0 ? [[name, n]] : [];
        }),
      ),
    }));
    const taken = Object.fromEntries(this.#threads.flatMap((one) => (one instanceof SimulatedSink ? [[one.name, one.taken]] : [])));
    let freeSlots = 0;
    for (const { ring, cells } of this.#plan.pools)
      for (let i = 0; i < cells; i++) if (this.#words[(ring + RING.cells + 8 * i + 4) >>> 2]! >= 0) freeSlots++;
    return { ledgers, taken, freeSlots };
  }
}
