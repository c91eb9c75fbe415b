import { EgressAgent } from '../../../src/agents/egress/egress-agent.js';
import { OperatorAgent } from '../../../src/agents/stage/operator-agent.js';
import { Attachment } from '../../../src/agents/thread/attachment.js';
import { SILENT } from '../../../src/errors/logger.js';
import { SLOT } from '../../../src/frame/slot-layout.js';
import { createArena } from '../../../src/memory/arena.js';
import { powerOfTwo } from '../../../src/memory/power-of-two.js';
import { OUTCOME, OUTCOME_CODES } from '../../../src/observe/outcome.js';
import { formatArena } from '../../../src/plan/format-arena.js';
import type { EdgePlan, Plan, StageNode } from '../../../src/plan/plan-types.js';
import { wakeThreads } from '../../../src/ring/park.js';
import { ARRAY, EMPTY, LEDGER, LINE, RING, SLOT_MASK } from '../../../src/ring/ring-layout.js';
import { seeded } from '../arena.js';
import { replaceOperations } from './replace-operations.js';
import { type Hand, SeededDriver } from './seeded-driver.js';
import { settleBy } from './seeded-operators.js';
import { SeededSink } from './seeded-sink.js';
import { SeededSource } from './seeded-source.js';

export interface Outcome {
  /** What each agent waits for, where nothing can move and frames are left. */
  readonly locked: string | undefined;
  /** By source: received, still in flight, and counts by outcome. */
  readonly ledgers: readonly { readonly received: number; readonly inFlight: number; readonly counts: Readonly<Record<string, number>> }[];
  /** Ordinals in the order in which a sink had them, by sink and source. */
  readonly taken: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly freeSlots: number;
  readonly turns: number;
  /** How often nothing could move before a join had waited for its time. */
  readonly timesWaited: number;
}

/** `holdLowest`: what has the lowest ordinal in hand does not move until nothing else can. */
export interface SeededOptions {
  readonly seed: number;
  readonly frames: number;
  readonly holdLowest: boolean;
}

const MAX_TURNS = 2_000_000;
/** Longer than any join waits here. */
const PASSES_US = 1e7;
const EVENTS = { making() {}, ready() {}, left() {} };

/**
 * Runs a plan in this thread on its real arena, ring operations and agents, in turns by a seeded die. Time passes for joins
 * of several sources only, and only when nothing can move.
 */
export async function runPlan(planned: Plan, options: SeededOptions): Promise<Outcome> {
  // Small tables: they fill up, and need not be written for each of a thousand runs.
  const entries = powerOfTwo(Math.max(planned.slots + 1, ...planned.edges.map(({ limit }) => limit)));
  const plan: Plan = { ...planned, sources: planned.sources.map((source) => ({ ...source, tableEntries: entries })) };
  const memory = createArena(plan.bytes);
  formatArena(memory, plan);
  const run = new SeededRun(plan, memory, options);
  await run.start();
  return run.run();
}

class SeededRun {
  readonly #plan: Plan;
  readonly #memory: WebAssembly.Memory;
  readonly #words: Int32Array;
  readonly #options: SeededOptions;
  readonly #driver: SeededDriver;
  readonly #sources: SeededSource[] = [];
  readonly #workers = new Map<number, OperatorAgent>();
  readonly #sinks = new Map<string, SeededSink>();
  readonly #joins = new Set<number>();
  #nowUs = 0;
  #turns = 0;
  #timesWaited = 0;

  constructor(plan: Plan, memory: WebAssembly.Memory, options: SeededOptions) {
    this.#plan = plan;
    this.#memory = memory;
    this.#words = new Int32Array(memory.buffer);
    this.#options = options;
    this.#driver = new SeededDriver(this.#words, seeded(options.seed), { failed: () => false, ended: (thread) => this.#leave(thread) });
    settleBy(this.#driver);
  }

  async start(): Promise<void> {
    for (const { thread, node, index } of this.#plan.threads) {
      const attachment = this.#attach(thread);
      const source = this.#plan.sources.find(({ name }) => name === node);
      const stage = this.#plan.stages.find(({ name }) => name === node);
      if (source) this.#addSource(attachment, new SeededSource(attachment, source, { frames: this.#options.frames }), node);
      else if (stage) await this.#addWorker(attachment, stage, index);
      else this.#addSink(attachment, node);
    }
  }

  #attach(thread: number): Attachment {
    const attachment = new Attachment(this.#memory, this.#plan, thread);
    return Object.assign(attachment, {
      nowUs: () => this.#nowUs,
      sleep: (wait: Parameters<Attachment['sleep']>[0]) => this.#driver.sleep(attachment, wait),
    });
  }

  #addSource(attachment: Attachment, source: SeededSource, name: string): void {
    this.#sources.push(source);
    this.#driver.add(name, attachment, source);
  }

  async #addWorker(attachment: Attachment, stage: StageNode, index: number): Promise<void> {
    const [edge] = attachment.edgesRead();
    const first = stage.operators[0]!;
    if (first.type === 'join' && first.params.by !== 'ordinal') this.#joins.add(attachment.thread);
    const hand = noteTaken(attachment, edge!);
    const worker = new OperatorAgent(attachment, stage, index, SILENT, EVENTS);
    this.#workers.set(attachment.thread, worker);
    const agents = await worker.start();
    // Where several inputs are in progress, the calls of the operators are what is in hand.
    for (const agent of agents) this.#driver.add(`${stage.name}.${index}`, attachment, agent, agents.length === 1 ? hand : undefined);
  }

  #addSink(attachment: Attachment, name: string): void {
    const sink = new SeededSink(attachment);
    this.#sinks.set(name, sink);
    const agent = new EgressAgent(attachment, attachment.sinkNode(name), sink, SILENT, true, new AbortController().signal);
    const ordinal = (): number => ordinalOf(attachment, attachment.word(attachment.line + LINE.batch));
    this.#driver.add(name, attachment, agent, { bell: attachment.edgeInto(name).itemBell, ordinal });
  }

  async run(): Promise<Outcome> {
    const locked = (await this.#runUntil(() => this.#sources.every((source) => source.isFinished))) ?? (await this.#runOut());
    return { locked, turns: this.#turns, timesWaited: this.#timesWaited, ...this.#result() };
  }

  /** Undefined, or what each agent waits for where nothing can move. */
  async #runUntil(isDone: () => boolean): Promise<string | undefined> {
    const driver = this.#driver;
    let passed = -1;
    let waitedAt = -1;
    while (!isDone()) {
      if (++this.#turns > MAX_TURNS) throw new Error(`seed ${this.#options.seed}: no end after ${MAX_TURNS} turns`);
      if (await driver.turn(this.#options.holdLowest)) continue;
      // An agent that looks and finds nothing may have passed cells that nothing comes for: one that looks by time sees it.
      if (this.#passed() !== passed) {
        passed = this.#passed();
        driver.moves++;
      } else if (waitedAt !== driver.moves && this.#passTime()) waitedAt = driver.moves;
      else return driver.describe((bell) => this.#bellName(bell));
    }
    return undefined;
  }

  /** Everything is settled: the edges are closed, and the agents end and give back their slots. */
  async #runOut(): Promise<string | undefined> {
    for (const { ring } of this.#plan.edges) Atomics.store(this.#words, (ring + RING.closed) >>> 2, 1);
    wakeThreads(
      this.#words,
      this.#plan.threads.map(({ line }) => line + LINE.park),
    );
    const locked = await this.#runUntil(() => this.#driver.hasEnded);
    for (const source of this.#sources) source.close();
    return locked;
  }

  /** Slots that a worker did not use go back to the others as soon as it has ended. */
  #leave(thread: number): void {
    const worker = this.#workers.get(thread);
    worker?.leave();
    worker?.close();
  }

  /** Wakes the joins that wait for another source. False: there is none. */
  #passTime(): boolean {
    this.#nowUs += PASSES_US;
    this.#timesWaited++;
    this.#driver.wake((thread) => this.#joins.has(thread));
    return this.#joins.size > 0;
  }

  /** Sum of the positions of the ordered edges. */
  #passed(): number {
    let sum = 0;
    for (const { kind, ring, arrayStride } of this.#plan.edges)
      if (kind === 'ordered')
        for (let i = 0; i < this.#plan.sources.length; i++) sum += this.#words[(ring + RING.cells + i * arrayStride + ARRAY.next) >>> 2]!;
    return sum;
  }

  #bellName(bell: number): string {
    const { edges, pools, sources } = this.#plan;
    const edge = edges.find(({ itemBell, spaceBell }) => itemBell === bell || spaceBell === bell);
    if (edge) return `${edge.itemBell === bell ? 'a frame for' : 'room before'} ${edge.node}`;
    const pool = pools.find((one) => one.bell === bell);
    return pool ? `a slot of ${pool.owner}` : `frames of ${sources.find((one) => one.bell === bell)?.name} to be settled`;
  }

  #result(): Omit<Outcome, 'locked' | 'turns' | 'timesWaited'> {
    const ledgers = this.#sources.map((source) => ({
      received: source.received,
      inFlight: source.inFlight,
      counts: Object.fromEntries(
        Object.entries(OUTCOME).flatMap(([name, code]) => {
          const n = OUTCOME_CODES.includes(code) ? source.ledger(LEDGER.counts + code) : 0;
          return n > 0 ? [[name, n]] : [];
        }),
      ),
    }));
    const taken = Object.fromEntries([...this.#sinks].map(([name, sink]) => [name, sink.taken]));
    let freeSlots = 0;
    for (const { ring, cells } of this.#plan.pools)
      for (let i = 0; i < cells; i++) if (this.#words[(ring + RING.cells + 8 * i + 4) >>> 2]! >= 0) freeSlots++;
    return { ledgers, taken, freeSlots };
  }
}

function ordinalOf(attachment: Attachment, reference: number): number {
  const { headers, stride } = attachment.plan;
  return attachment.word(headers + (reference & SLOT_MASK) * stride + SLOT.ordinal) >>> 0;
}

/** Notes what is taken out of an edge and not committed. */
function noteTaken(attachment: Attachment, edge: EdgePlan): Hand {
  let last = EMPTY;
  const { ring } = attachment;
  replaceOperations(attachment, {
    take(from, source) {
      const reference = ring.take(from, source);
      if (from === edge.ring && reference >= 0) last = reference;
      return reference;
    },
    commit(...counts) {
      last = EMPTY;
      return ring.commit(...counts);
    },
  });
  return { bell: edge.itemBell, ordinal: () => (last === EMPTY ? undefined : ordinalOf(attachment, last)) };
}
