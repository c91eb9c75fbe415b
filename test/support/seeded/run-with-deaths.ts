import { EgressAgent } from '../../../src/agents/egress/egress-agent.js';
import { OperatorAgent } from '../../../src/agents/stage/operator-agent.js';
import { Attachment } from '../../../src/agents/thread/attachment.js';
import { SILENT } from '../../../src/errors/logger.js';
import { viewArena } from '../../../src/frame/arena-views.js';
import { createArena } from '../../../src/memory/arena.js';
import { OUTCOME, OUTCOME_CODES } from '../../../src/observe/outcome.js';
import { formatArena } from '../../../src/plan/format-arena.js';
import { plan as makePlan } from '../../../src/plan/plan.js';
import type { Plan } from '../../../src/plan/plan-types.js';
import { Census } from '../../../src/ring/census.js';
import type { CensusResult } from '../../../src/ring/census-types.js';
import { wakeThreads } from '../../../src/ring/park.js';
import { BANK, CONTROL, LEDGER, LINE, RING } from '../../../src/ring/ring-layout.js';
import { loadRing } from '../../../src/ring/ring-operations.js';
import { SinkLedgers } from '../../../src/run/sink-ledgers.js';
import { specFromObject } from '../../../src/spec/load.js';
import { moveRings, seeded } from '../arena.js';
import { type Fate, RecordFates } from './record-fates.js';
import { SeededDriver } from './seeded-driver.js';
import { REFUSING, SeededSource } from './seeded-source.js';
import { SettledSink, type TakenFrame } from './settled-sink.js';

const EVENTS = { making() {}, ready() {}, left() {} };

/** Thrown by the ring operations at an armed step: the thread ends there, and memory stays as it is. */
class Death extends Error {
  constructor(readonly step: number) {
    super(`died at step ${step}`);
  }
}

export interface DeathOptions {
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

export interface DeathResult {
  readonly counts: Readonly<Record<string, number>>;
  /** The same as each sink counts it; without sinks of their own where there is one. */
  readonly bySink: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly received: number;
  readonly inFlight: number;
  /** What each sink took, in order: ordinals, and the number of the output among those of its input. */
  readonly taken: Readonly<Record<string, readonly TakenFrame[]>>;
  readonly deaths: number;
  readonly recoveries: number;
  /** How often each step was died at. */
  readonly steps: ReadonlyMap<number, number>;
  readonly did: CensusResult;
  /** Of parcels, by ordinal: what became of each record in the worker, as that was committed. */
  readonly ended: ReadonlyMap<number, readonly Fate[]>;
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
/** A thread that dies between a cell and its hint leaves the hint behind: the next one helps it on, and may die there. */
const MOVED = new Set([12, 21, 43]);
const HELPS = [14, 23];
const PARCEL_ENTRIES = 16;

/**
 * Runs a pipeline of one source, one stage and sinks, with the real plan, arena, ring operations and agents, in turns by a
 * seeded die. An armed ring operation ends its thread in the middle; the census takes what it held, and a successor goes on.
 */
export async function runWithDeaths(options: DeathOptions): Promise<DeathResult> {
  const random = seeded(options.seed);
  const fates = new RecordFates(random);
  fates.register();
  const parcel = options.records ? { parcel: { bytes: 4096, waitUs: 1000 } } : {};
  const spec = specFromObject(
    {
      version: 1,
      sources: { s: { type: 'sim', pattern: 'counter', shape: [1, 16], dtype: 'uint8', ...parcel, ...options.source } },
      stages: {
        work: {
          from: 's',
          workers: options.workers,
          attempts: options.attempts ?? 100,
          operators: [{ type: options.records ? 'record-fates' : '../operators/fates.mjs' }],
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
  return new RunWithDeaths({ ...plan, sources }, options, random, fates).run();
}

class RunWithDeaths {
  readonly #plan: Plan;
  readonly #options: DeathOptions;
  readonly #memory: WebAssembly.Memory;
  readonly #words: Int32Array;
  readonly #random: (n: number) => number;
  readonly #fates: RecordFates;
  readonly #driver: SeededDriver;
  readonly #census: Census;
  readonly #workers = new Map<number, OperatorAgent>();
  readonly #sinks = new Map<number, SettledSink>();
  readonly #taken: Record<string, TakenFrame[]> = {};
  readonly #steps = new Map<number, number>();
  readonly #did: Record<string, number> = {};
  readonly #dead = new Set<number>();
  #source!: SeededSource;
  /** The step at which the thread whose turn it is has just died. */
  #diedAt = 0;
  #isArmed = true;
  #lastStep = 0;
  #deaths = 0;
  #recoveries = 0;

  constructor(plan: Plan, options: DeathOptions, random: (n: number) => number, fates: RecordFates) {
    this.#plan = plan;
    this.#options = options;
    this.#memory = createArena(plan.bytes);
    this.#words = new Int32Array(this.#memory.buffer);
    formatArena(this.#memory, plan);
    moveRings(this.#words, plan, options.startPosition ?? 0);
    this.#random = random;
    this.#fates = fates;
    this.#driver = new SeededDriver(this.#words, random, {
      turn: (thread) => this.#arm(thread),
      failed: (thread) => this.#noteDeath(thread),
      ended: (thread) => this.#leave(thread),
    });
    const ring = loadRing(this.#memory);
    const { thread, line } = plan.supervisor;
    ring.attach(thread, line, CONTROL.gate, plan.headers, plan.stride, plan.sourceBlocks, line + LINE.banks, BANK.bytes, 0);
    this.#census = new Census(this.#memory, plan, ring, {
      lostCode: OUTCOME['worker-lost'],
      dropCodes: { 'drop-oldest': OUTCOME['drop-oldest'], latest: OUTCOME.latest },
    });
    for (const { name } of plan.sinks) this.#taken[name] = [];
  }

  async run(): Promise<DeathResult> {
    for (const { thread } of this.#plan.threads) await this.#add(thread);
    await this.#runUntil(() => this.#source.isFinished && this.#dead.size === 0);
    this.#isArmed = false;
    for (const { ring } of this.#plan.edges) Atomics.store(this.#words, (ring + RING.closed) >>> 2, 1);
    this.#wakeAll();
    await this.#runUntil(() => this.#driver.hasEnded);
    this.#source.close();
    for (const sink of this.#sinks.values()) sink.settle();
    return this.#result();
  }

  async #add(thread: number): Promise<void> {
    const { node, index } = this.#plan.threads[thread]!;
    const attachment = this.#attach(thread);
    const stage = this.#plan.stages.find(({ name }) => name === node);
    if (node === 's') {
      const { frames, records = 1 } = this.#options;
      this.#source = new SeededSource(attachment, this.#plan.sources[0]!, { frames: frames * records, records, random: this.#random });
      this.#driver.add(node, attachment, this.#source);
    } else if (stage) {
      if (this.#options.records) this.#fates.watch(attachment);
      const worker = new OperatorAgent(attachment, stage, index, SILENT, EVENTS);
      this.#workers.set(thread, worker);
      for (const agent of await worker.start()) this.#driver.add(`${node}.${index}`, attachment, agent);
    } else {
      const sink = new SettledSink(attachment, this.#taken[node]!);
      this.#sinks.set(thread, sink);
      const agent = new EgressAgent(attachment, attachment.sinkNode(node), sink, SILENT, true, new AbortController().signal);
      this.#driver.add(node, attachment, agent);
    }
  }

  #attach(thread: number): Attachment {
    const die = (step: number): void => {
      this.#diedAt = step;
      throw new Death(step);
    };
    const attachment = new Attachment(this.#memory, this.#plan, thread, 'ring.fault.wasm', die);
    return Object.assign(attachment, {
      nowUs: () => 0,
      sleep: (wait: Parameters<Attachment['sleep']>[0]) => this.#driver.sleep(attachment, wait),
    });
  }

  async #runUntil(isDone: () => boolean): Promise<void> {
    while (!isDone()) {
      const isTime = this.#dead.size > 0 && this.#random(this.#options.patience ?? 12) === 0;
      if (!isTime && (await this.#driver.turn())) continue;
      if (this.#dead.size === 0)
        throw new Error(
          `nothing can move: ${this.#driver.describe(String)}; ${JSON.stringify(this.#counts())}, ${this.#source.inFlight} in flight`,
        );
      await this.#recover();
    }
  }

  /** An agent threw. True: because its thread died. */
  #noteDeath(thread: number): boolean {
    if (this.#diedAt === 0) return false;
    this.#lastStep = this.#diedAt;
    this.#steps.set(this.#diedAt, (this.#steps.get(this.#diedAt) ?? 0) + 1);
    this.#diedAt = 0;
    this.#deaths++;
    this.#dead.add(thread);
    this.#sinks.get(thread)?.settle();
    if (this.#workers.has(thread)) this.#fates.forget();
    return true;
  }

  async #recover(): Promise<void> {
    Atomics.store(this.#words, CONTROL.gate >>> 2, 1);
    for (const [what, n] of Object.entries(this.#census.run(this.#dead))) this.#did[what] = (this.#did[what] ?? 0) + n;
    for (const [what, n] of Object.entries(this.#census.run(new Set()))) if (n !== 0) throw new Error(`a second census found ${n} ${what}`);
    Atomics.store(this.#words, CONTROL.gate >>> 2, 0);
    this.#wakeAll();
    this.#recoveries++;
    const dead = [...this.#dead];
    this.#dead.clear();
    this.#arm(-1);
    for (const thread of dead) await this.#add(thread);
  }

  #wakeAll(): void {
    wakeThreads(
      this.#words,
      this.#plan.threads.map(({ line }) => line + LINE.park),
    );
  }

  /** Slots that a worker did not use go back to the others as soon as it has ended. */
  #leave(thread: number): void {
    const worker = this.#workers.get(thread);
    worker?.leave();
    worker?.close();
  }

  /** The next operation of the thread dies at a step of those that it comes to, or at none. */
  #arm(thread: number): void {
    for (const { line } of this.#plan.threads) {
      this.#words[(line + LINE.faultCountdown) >>> 2] = 0;
      this.#words[(line + LINE.faultStep) >>> 2] = 0;
    }
    const { killOneIn, steps = STEPS } = this.#options;
    if (thread < 0 || killOneIn === 0 || !this.#isArmed) return;
    const helping = MOVED.has(this.#lastStep) && this.#random(2) === 0;
    if (!helping && this.#random(killOneIn) !== 0) return;
    const { line } = this.#plan.threads[thread]!;
    const step = helping ? HELPS[this.#random(HELPS.length)]! : steps[this.#random(steps.length)]!;
    this.#words[(line + LINE.faultStep) >>> 2] = step;
    this.#words[(line + LINE.faultCountdown) >>> 2] = helping || step === REFUSING ? 1 : 1 + this.#random(3);
  }

  #result(): DeathResult {
    return {
      counts: this.#counts(),
      bySink: this.#bySink(),
      received: this.#source.received,
      inFlight: this.#source.inFlight,
      taken: this.#taken,
      deaths: this.#deaths,
      recoveries: this.#recoveries,
      steps: this.#steps,
      did: this.#did as unknown as CensusResult,
      ended: this.#fates.ended,
      freeSlots: this.#plan.pools.reduce((sum, { ring, cells }) => sum + occupied(this.#words, ring, cells), 0),
      slots: this.#plan.slots,
    };
  }

  #bySink(): Record<string, Record<string, number>> {
    const [source] = this.#plan.sources;
    if (!source!.views) return {};
    const view = new SinkLedgers(viewArena(this.#memory), source!);
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
}

const occupied = (words: Int32Array, ring: number, cells: number): number =>
  Array.from({ length: cells }, (_, i) => words[(ring + RING.cells + 8 * i + 4) >>> 2]!).filter((slot) => slot >= 0).length;
