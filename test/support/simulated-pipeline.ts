import { Attachment, bitIn } from '../../src/agents/thread/attachment.js';
import { viewArena } from '../../src/frame/arena-views.js';
import { createArena } from '../../src/memory/arena.js';
import { OUTCOME, OUTCOME_CODES } from '../../src/observe/outcome.js';
import { formatArena } from '../../src/plan/format-arena.js';
import { plan as makePlan } from '../../src/plan/plan.js';
import type { Plan } from '../../src/plan/plan-types.js';
import { Census } from '../../src/ring/census.js';
import type { CensusResult } from '../../src/ring/census-types.js';
import { wakeThreads } from '../../src/ring/park.js';
import { BANK, BELL, CONTROL, LEDGER, LINE, RING } from '../../src/ring/ring-layout.js';
import { loadRing } from '../../src/ring/ring-operations.js';
import { SinkLedgers } from '../../src/run/sink-ledgers.js';
import { specFromObject } from '../../src/spec/load.js';
import { moveRings, seeded } from './arena.js';
import { PAYLOAD_BYTES } from './simulated-pipeline/payload.js';
import { SimSink } from './simulated-pipeline/sim-sink.js';
import { REFUSING, SimSource } from './simulated-pipeline/sim-source.js';
import type { SimThread, SimWorld } from './simulated-pipeline/sim-thread.js';
import { SimWorker } from './simulated-pipeline/sim-worker.js';

/** Thrown by the ring operations at an armed step: the thread ends there, and memory stays as it is. */
class Death extends Error {
  constructor(readonly step: number) {
    super(`died at step ${step}`);
  }
}

export interface SimulationOptions {
  readonly seed: number;
  readonly frames: number;
  readonly workers: number;
  /** Settings of the edges into the stage and into each sink, as in a pipeline file. */
  readonly source?: object;
  readonly stage?: object;
  readonly sinks: Readonly<Record<string, object>>;
  readonly startPosition?: number;
  readonly startOrdinal?: number;
  /** One operation in so many is to die; 0: none. */
  readonly killOneIn: number;
  readonly attempts?: number;
  /** Turns of the others, on average, until the dead are seen to: meanwhile more may die, and slots come round. */
  readonly patience?: number;
  /** Steps to die at, where not all of them. */
  readonly steps?: readonly number[];
  /** Frames are parcels of so many records, some of which end in the worker. */
  readonly records?: number;
}

export interface SimulationResult {
  readonly counts: Readonly<Record<string, number>>;
  /** The same as each sink counts it; without sinks of their own where there is one. */
  readonly bySink: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly received: number;
  readonly inFlight: number;
  /** What each sink took, in order: ordinals, and the number of the output among those of its input. */
  readonly taken: Readonly<Record<string, readonly { readonly ordinal: number; readonly output: number }[]>>;
  readonly deaths: number;
  readonly recoveries: number;
  /** How often each step was died at. */
  readonly steps: ReadonlyMap<number, number>;
  readonly did: CensusResult;
  /** Of parcels, by ordinal: the code by which each record ended in the worker, as that was committed; 0: it went on. */
  readonly ended: ReadonlyMap<number, readonly number[]>;
  readonly freeSlots: number;
  readonly slots: number;
}

/** Every step of the ring operations. */
export const STEPS = [
  1, 2, 3, 10, 11, 12, 13, 14, 15, 16, 17, 20, 21, 22, 23, 24, 25, 26, 27, 30, 31, 32, 40, 41, 42, 43, 50, 51, 52, 53, 60, 61, 62, 63, 64,
  65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 80, 81, 82, 85, 86,
];
/** Those of records that end by themselves. */
export const RECORD_STEPS = [83, 84];
/** Who dies between a cell and its hint leaves the hint behind: the next one helps it on, and may die there. */
const MOVED = new Set([12, 21, 43]);
const HELPS = [14, 23];
const PARCEL_ENTRIES = 16;

/**
 * A pipeline of one source, one stage and sinks on the real plan, arena and ring operations, its threads simulated in
 * turns by a seeded die: each operation of a thread is one turn, and an armed operation ends its thread in the middle.
 * Who finds nothing to do sleeps as in park.ts, but without any time-out: a wake-up that is lost is a run that stands still.
 */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const parcel = options.records ? { parcel: { bytes: 4096, waitUs: 1000 } } : {};
  const spec = specFromObject(
    {
      version: 1,
      sources: { s: { type: 'sim', pattern: 'counter', shape: [1, PAYLOAD_BYTES], dtype: 'uint8', ...parcel, ...options.source } },
      stages: {
        work: {
          from: 's',
          workers: options.workers,
          attempts: options.attempts ?? 100,
          operators: [{ type: './operators/fates.mjs' }],
          ...options.stage,
        },
      },
      sinks: Object.fromEntries(Object.entries(options.sinks).map(([name, edge]) => [name, { type: 'null', from: 'work', ...edge }])),
    },
    { baseDir: import.meta.dirname },
  );
  const { plan } = await makePlan(spec, { startOrdinal: options.startOrdinal ?? 0 });
  // A small table, so that its entries come round: the source waits while it is full.
  const sources = plan.sources.map((source) => (options.records ? { ...source, tableEntries: PARCEL_ENTRIES } : source));
  return new Simulation({ ...plan, sources }, options).run();
}

class Simulation implements SimWorld {
  readonly plan: Plan;
  readonly options: SimulationOptions;
  readonly memory: WebAssembly.Memory;
  readonly words: Int32Array;
  readonly random: (n: number) => number;
  readonly taken: Record<string, { ordinal: number; output: number }[]> = {};
  readonly steps = new Map<number, number>();
  readonly ended = new Map<number, readonly number[]>();
  readonly did: Record<string, number> = {};
  readonly #census: Census;
  readonly #threads: SimThread[];
  #deaths = 0;
  #lastStep = 0;
  #recoveries = 0;

  constructor(plan: Plan, options: SimulationOptions) {
    this.plan = plan;
    this.options = options;
    this.memory = createArena(plan.bytes);
    this.words = new Int32Array(this.memory.buffer);
    formatArena(this.memory, plan);
    moveRings(this.words, plan, options.startPosition ?? 0);
    this.random = seeded(options.seed);
    const ring = loadRing(this.memory);
    const { thread, line } = plan.supervisor;
    ring.attach(thread, line, CONTROL.gate, plan.headers, plan.stride, plan.sourceBlocks, line + LINE.banks, BANK.bytes, 0);
    this.#census = new Census(this.memory, plan, ring, {
      lostCode: OUTCOME['worker-lost'],
      dropCodes: { 'drop-oldest': OUTCOME['drop-oldest'], latest: OUTCOME.latest },
    });
    this.#threads = plan.threads.map(({ thread }) => this.#make(thread));
    for (const { name } of plan.sinks) this.taken[name] = [];
  }

  #make(thread: number): SimThread {
    const die = (step: number): void => {
      throw new Death(step);
    };
    const attachment = new Attachment(this.memory, this.plan, thread, 'ring.fault.wasm', die);
    const { node } = this.plan.threads[thread]!;
    if (node === 's') return new SimSource(this, attachment);
    const stage = this.plan.stages.find(({ name }) => name === node);
    return stage ? new SimWorker(this, attachment, stage) : new SimSink(this, attachment, node);
  }

  run(): SimulationResult {
    const dead = new Set<number>();
    while (!this.#isDone() || dead.size > 0) {
      const awake = this.#threads.flatMap((thread, i) => (!dead.has(i) && this.#isAwake(thread) ? [i] : []));
      if (dead.size > 0 && (awake.length === 0 || this.random(this.options.patience ?? 12) === 0)) {
        this.#recover(dead);
        dead.clear();
        continue;
      }
      if (awake.length === 0) throw new Error(`all asleep: ${JSON.stringify(this.#counts())}, ${this.#source.inFlight()} in flight`);
      const thread = awake[this.random(awake.length)]!;
      this.#arm(thread);
      try {
        this.#turn(this.#threads[thread]!);
      } catch (error) {
        if (!(error instanceof Death)) throw error;
        this.#lastStep = error.step;
        this.steps.set(error.step, (this.steps.get(error.step) ?? 0) + 1);
        this.#deaths++;
        this.#threads[thread]!.died();
        dead.add(thread);
      }
    }
    this.#arm(-1);
    for (const thread of this.#threads) thread.close();
    const counts = this.#counts();
    return {
      counts,
      bySink: this.#bySink(),
      received: this.#source.ledger(LEDGER.received),
      inFlight: this.#source.inFlight(),
      taken: this.taken,
      deaths: this.#deaths,
      recoveries: this.#recoveries,
      steps: this.steps,
      did: this.did as unknown as CensusResult,
      ended: this.ended,
      freeSlots: this.plan.pools.reduce((sum, { ring, cells }) => sum + occupied(this.words, ring, cells), 0),
      slots: this.plan.slots,
    };
  }

  #turn(thread: SimThread): void {
    const { park } = thread.attachment;
    if (thread.turn() === undefined) return;
    const seen = Atomics.load(this.words, park >>> 2);
    const wait = thread.turn(); // it may have come, but nobody is known to sleep yet
    if (wait === undefined) return;
    const sleepers = (wait.bell + BELL.sleepers) >>> 2;
    const bit = bitIn(wait.members, thread.attachment.thread);
    Atomics.or(this.words, sleepers, bit);
    const again = thread.turn();
    if (again === undefined || again.bell !== wait.bell) Atomics.and(this.words, sleepers, ~bit);
    else thread.asleep = { seen, sleepers, bit };
  }

  #isAwake(thread: SimThread): boolean {
    const { asleep } = thread;
    if (!asleep) return true;
    if (Atomics.load(this.words, thread.attachment.park >>> 2) === asleep.seen) return false;
    Atomics.and(this.words, asleep.sleepers, ~asleep.bit);
    delete thread.asleep;
    return true;
  }

  get #source(): SimSource {
    return this.#threads.find((thread) => thread instanceof SimSource)!;
  }

  #isDone(): boolean {
    return this.#source.sent >= this.options.frames && this.#source.inFlight() === 0;
  }

  #bySink(): Record<string, Record<string, number>> {
    const [source] = this.plan.sources;
    if (!source!.views) return {};
    const view = new SinkLedgers(viewArena(this.memory), source!);
    view.poll();
    const byCode = (sink: number): [string, number][] =>
      Object.entries(OUTCOME).flatMap(([name, code]) => (view.counts(sink)(code) > 0 ? [[name, view.counts(sink)(code)]] : []));
    return Object.fromEntries(source!.sinks.map(({ sink }, at) => [sink, Object.fromEntries(byCode(at))]));
  }

  #counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const [name, code] of Object.entries(OUTCOME)) {
      const n = OUTCOME_CODES.includes(code) ? this.#source.ledger(LEDGER.counts + code) : 0;
      if (n > 0) counts[name] = n;
    }
    return counts;
  }

  /** The next operation of the thread dies at a step of those that it comes to, or at none. */
  #arm(thread: number): void {
    for (const { line } of this.plan.threads) {
      this.words[(line + LINE.faultCountdown) >>> 2] = 0;
      this.words[(line + LINE.faultStep) >>> 2] = 0;
    }
    const { killOneIn, steps = STEPS } = this.options;
    if (thread < 0 || killOneIn === 0) return;
    const helping = MOVED.has(this.#lastStep) && this.random(2) === 0;
    if (!helping && this.random(killOneIn) !== 0) return;
    const { line } = this.plan.threads[thread]!;
    this.words[(line + LINE.faultStep) >>> 2] = helping ? HELPS[this.random(HELPS.length)]! : steps[this.random(steps.length)]!;
    this.words[(line + LINE.faultCountdown) >>> 2] =
      helping || this.words[(line + LINE.faultStep) >>> 2] === REFUSING ? 1 : 1 + this.random(3);
  }

  #recover(dead: ReadonlySet<number>): void {
    Atomics.store(this.words, CONTROL.gate >>> 2, 1);
    for (const [what, n] of Object.entries(this.#census.run(dead))) this.did[what] = (this.did[what] ?? 0) + n;
    for (const [what, n] of Object.entries(this.#census.run(new Set()))) if (n !== 0) throw new Error(`a second census found ${n} ${what}`);
    Atomics.store(this.words, CONTROL.gate >>> 2, 0);
    wakeThreads(
      this.words,
      this.#threads.map(({ attachment }) => attachment.park),
    );
    this.#recoveries++;
    for (const thread of dead) this.#threads[thread] = this.#make(thread);
  }
}

const occupied = (words: Int32Array, ring: number, cells: number): number =>
  Array.from({ length: cells }, (_, i) => words[(ring + RING.cells + 8 * i + 4) >>> 2]!).filter((slot) => slot >= 0).length;
