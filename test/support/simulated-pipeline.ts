import { Attachment, bitIn } from '../../src/agents/attachment.js';
import { RecordWriter, readChain, recordOutputs } from '../../src/agents/commit-outputs.js';
import type { FrameView } from '../../src/frame/frame-view.js';
import { createArena } from '../../src/memory/arena.js';
import { OUTCOME, OUTCOME_CODES } from '../../src/observe/outcome.js';
import { formatArena } from '../../src/pipeline/format-arena.js';
import { specFromObject } from '../../src/pipeline/load.js';
import { plan as makePlan } from '../../src/pipeline/plan.js';
import type { EdgePlan, Plan, StageNode } from '../../src/pipeline/plan-types.js';
import { Census } from '../../src/ring/census.js';
import type { CensusResult } from '../../src/ring/census-types.js';
import { wakeThreads } from '../../src/ring/park.js';
import { BANK, BELL, CONTROL, LEDGER, LINE, RING, SLOT_MASK, SOURCE } from '../../src/ring/ring-layout.js';
import { loadRing } from '../../src/ring/ring-operations.js';
import { SlotStock } from '../../src/ring/slot-stock.js';
import { moveRings, seeded } from './arena.js';
import { fateOf } from './operators/fates.mjs';

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
}

export interface SimulationResult {
  readonly counts: Readonly<Record<string, number>>;
  readonly received: number;
  readonly inFlight: number;
  /** What each sink took, in order: ordinals, and the number of the output among those of its input. */
  readonly taken: Readonly<Record<string, readonly { readonly ordinal: number; readonly output: number }[]>>;
  readonly deaths: number;
  readonly recoveries: number;
  /** How often each step was died at. */
  readonly steps: ReadonlyMap<number, number>;
  readonly did: CensusResult;
  readonly freeSlots: number;
  readonly slots: number;
}

/** Every step of the ring operations. */
export const STEPS = [
  1, 2, 3, 10, 11, 12, 13, 14, 15, 16, 17, 20, 21, 22, 23, 24, 25, 26, 27, 30, 31, 32, 40, 41, 42, 43, 50, 51, 52, 53, 60, 61, 62, 63, 64,
  65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 80, 81, 82,
];
/** Who dies between a cell and its hint leaves the hint behind: the next one helps it on, and may die there. */
const MOVED = new Set([12, 21, 43]);
const HELPS = [14, 23];
/** The one step of a refusal. */
const REFUSING = 75;
const PAYLOAD_WORDS = 4;
const MAX_OUTPUTS = 3;

/**
 * A pipeline of one source, one stage and sinks on the real plan, arena and ring operations, its threads simulated in
 * turns by a seeded die: each operation of a thread is one turn, and an armed operation ends its thread in the middle.
 * Who finds nothing to do sleeps as in park.ts, but without any time-out: a wake-up that is lost is a run that stands still.
 */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const spec = specFromObject(
    {
      version: 1,
      sources: { s: { type: 'sim', pattern: 'counter', shape: [1, 4 * PAYLOAD_WORDS], dtype: 'uint8', ...options.source } },
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
  return new Simulation(plan, options).run();
}

class Simulation {
  readonly plan: Plan;
  readonly options: SimulationOptions;
  readonly memory: WebAssembly.Memory;
  readonly words: Int32Array;
  readonly random: (n: number) => number;
  readonly taken: Record<string, { ordinal: number; output: number }[]> = {};
  readonly steps = new Map<number, number>();
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
      received: this.#source.ledger(LEDGER.received),
      inFlight: this.#source.inFlight(),
      taken: this.taken,
      deaths: this.#deaths,
      recoveries: this.#recoveries,
      steps: this.steps,
      did: this.did as unknown as CensusResult,
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

interface Sleep {
  readonly seen: number;
  readonly sleepers: number;
  readonly bit: number;
}

/** What a thread would sleep on: a bell, and the threads that may. */
interface Wait {
  readonly bell: number;
  readonly members: readonly number[];
}

interface SimThread {
  readonly attachment: Attachment;
  asleep?: Sleep;
  /** One operation; what the thread waits for when there was nothing to do. */
  turn(): Wait | undefined;
  /** What is known of it from outside when it died. */
  died(): void;
  close(): void;
}

/** What a commit left to hand over. */
class Rest {
  readonly #attachment: Attachment;
  #done = 0;
  #outputs = 0;

  /** A record that a thread before this one had committed is finished first. */
  constructor(attachment: Attachment) {
    this.#attachment = attachment;
    if (attachment.word(attachment.line + LINE.record) & 1) this.#outputs = attachment.word(attachment.line + LINE.outputs);
  }

  begin(done: number, outputs: number): void {
    this.#done = done;
    this.#outputs = outputs;
  }

  get isLeft(): boolean {
    return this.#done < this.#outputs || (this.#attachment.word(this.#attachment.line + LINE.record) & 1) === 1;
  }

  resume(): Wait | undefined {
    const { plan, ring, line } = this.#attachment;
    const before = this.#done;
    this.#done = ring.resume(before);
    if (this.#done > before || !this.isLeft) return undefined;
    const to = this.#attachment.word(line + LINE.outputRefs + 8 * this.#done + 4);
    const edge = plan.edges.find((one) => one.ring === to)!;
    return { bell: edge.spaceBell, members: edge.producerThreads };
  }
}

class SimSource implements SimThread {
  asleep?: Sleep;
  readonly #rest: Rest;
  readonly #stock: SlotStock;

  constructor(
    readonly simulation: Simulation,
    readonly attachment: Attachment,
  ) {
    const { ring, arena, line, plan } = attachment;
    const pool = plan.pools.find(({ owner }) => owner === 's')!;
    this.#rest = new Rest(attachment);
    this.#stock = new SlotStock(ring, arena.words, line, pool.ring, pool.slots);
  }

  /** A word of the live bank of the ledger. */
  ledger(word: number): number {
    const { line, plan } = this.attachment;
    const bank = plan.sources[0]!.block + SOURCE.banks + ((this.attachment.word(line + LINE.record) >>> 1) & 1) * SOURCE.bankBytes;
    return this.attachment.word(bank + 4 * word);
  }

  get sent(): number {
    return (this.ledger(LEDGER.given) - this.attachment.plan.startOrdinal) | 0;
  }

  inFlight(): number {
    return (this.ledger(LEDGER.given) - this.ledger(LEDGER.low)) | 0;
  }

  turn(): Wait | undefined {
    const { simulation, attachment } = this;
    const { ring, line, plan } = attachment;
    const [source] = plan.sources;
    const [pool] = plan.pools;
    if (this.#rest.isLeft) return this.#rest.resume();
    const isOver = this.sent >= simulation.options.frames;
    if ((isOver || simulation.random(3) === 0) && ring.sweep(0, 64) > 0) return undefined;
    if (!isOver && (simulation.random(16) === 0 || attachment.word(line + LINE.faultStep) === REFUSING)) {
      ring.refuse(OUTCOME.malformed);
      return undefined;
    }
    if (isOver) return { bell: source!.bell, members: [attachment.thread] };
    const slot = this.#stock.take();
    if (slot < 0) return { bell: pool!.bell, members: pool!.threads };
    const ordinal = this.ledger(LEDGER.given);
    const frame = attachment.frame(slot);
    frame.begin('uint8', [1, 4 * PAYLOAD_WORDS]);
    frame.sourceIndex = 0;
    frame.ordinal = ordinal >>> 0;
    frame.sequence = ordinal >>> 0;
    frame.store();
    fill(frame, ordinal, 0);
    ring.fanClaimed(
      slot,
      source!.routes.reduce((mask, { branch }) => mask | (1 << branch), 0),
    );
    for (const [i, { node, branch }] of source!.routes.entries()) {
      attachment.setWord(line + LINE.outputRefs + 8 * i, slot | (branch << 24));
      attachment.setWord(line + LINE.outputRefs + 8 * i + 4, attachment.edgeInto(node).ring);
    }
    this.#rest.begin(ring.commitFrame(0, source!.leaves, source!.routes.length, 4 * PAYLOAD_WORDS, 1), source!.routes.length);
    return undefined;
  }

  died(): void {}

  close(): void {
    for (const slot of this.#stock.empty()) this.attachment.ring.release(slot);
  }
}

class SimWorker implements SimThread {
  asleep?: Sleep;
  readonly #rest: Rest;
  readonly #record: RecordWriter;
  readonly #stock: FrameView[] = [];
  readonly #edge: EdgePlan;
  readonly #inputs: FrameView[] = [];

  constructor(
    readonly simulation: Simulation,
    readonly attachment: Attachment,
    readonly stage: StageNode,
  ) {
    this.#rest = new Rest(attachment);
    this.#record = new RecordWriter(attachment);
    this.#edge = attachment.edgeInto(stage.name);
  }

  turn(): Wait | undefined {
    const { attachment } = this;
    const { ring } = attachment;
    if (this.#rest.isLeft) return this.#rest.resume();
    const pool = attachment.poolOf(this.stage.name);
    while (this.#stock.length < MAX_OUTPUTS) {
      const slot = ring.claim(pool.ring);
      if (slot < 0) return { bell: pool.bell, members: pool.threads };
      this.#stock.push(attachment.frame(slot));
    }
    const reference = ring.take(this.#edge.ring, 0);
    if (reference < 0) return { bell: this.#edge.itemBell, members: this.#edge.consumerThreads };
    const [input] = readChain(attachment, reference, this.#inputs);
    check(input!, input!.ordinal, 0);
    const fate = fateOf(input!.ordinal);
    const branch = reference >>> 24;
    const record = this.#record;
    record.start();
    if (fate === 'filtered') {
      record.settle(0, input!.ordinal, this.#edge.leaves[0]![branch]!, OUTCOME.filtered);
      record.input(reference);
    } else {
      const outputs = fate === 'passed' ? [input!] : Array.from({ length: fate === 'three' ? 3 : 1 }, (_, i) => this.#output(input!, i));
      recordOutputs(attachment, record, reference, fate === 'passed', outputs, this.stage.routes[0]![branch]!);
    }
    this.#rest.begin(record.commit(1, 16), record.outputCount);
    return undefined;
  }

  #output(input: FrameView, index: number): FrameView {
    const output = this.#stock.pop()!;
    output.begin('uint8', [1, 4 * PAYLOAD_WORDS]);
    output.sourceIndex = 0;
    output.ordinal = input.ordinal;
    output.sequence = input.sequence;
    fill(output, input.ordinal, index);
    return output;
  }

  died(): void {}

  close(): void {
    for (const { slot } of this.#stock.splice(0)) this.attachment.ring.release(slot);
  }
}

class SimSink implements SimThread {
  asleep?: Sleep;
  readonly #edge: EdgePlan;
  readonly #record: RecordWriter;
  readonly #chain: FrameView[] = [];
  #batch: { ordinal: number; output: number }[] = [];
  #before = 0;

  constructor(
    readonly simulation: Simulation,
    readonly attachment: Attachment,
    readonly name: string,
  ) {
    this.#edge = attachment.edgeInto(name);
    this.#record = new RecordWriter(attachment);
  }

  turn(): Wait | undefined {
    const { attachment } = this;
    this.#batch = [];
    this.#before = attachment.word(attachment.line + LINE.record);
    const count = attachment.ring.takeN(this.#edge.ring, 0, 1 + this.simulation.random(4));
    if (count <= 0) return { bell: this.#edge.itemBell, members: this.#edge.consumerThreads };
    const record = this.#record;
    record.start();
    for (let i = 0; i < count; i++) {
      const reference = attachment.word(attachment.line + LINE.batch + 4 * i);
      const frames = readChain(attachment, reference, this.#chain);
      for (const [output, frame] of frames.entries()) {
        check(frame, frames[0]!.ordinal, output);
        this.#batch.push({ ordinal: frames[0]!.ordinal, output });
      }
      record.settle(0, frames[0]!.ordinal, this.#edge.leaves[0]![reference >>> 24]!, OUTCOME.delivered);
      record.input(reference);
    }
    record.commit(count, 0);
    this.#deliver();
    return undefined;
  }

  #deliver(): void {
    this.simulation.taken[this.name]!.push(...this.#batch);
    this.#batch = [];
  }

  /** What its record says was delivered is delivered. */
  died(): void {
    if (this.attachment.word(this.attachment.line + LINE.record) >>> 1 !== this.#before >>> 1) this.#deliver();
  }

  close(): void {}
}

function fill(frame: FrameView, ordinal: number, output: number): void {
  new Int32Array(frame.bytes.buffer, frame.bytes.byteOffset, PAYLOAD_WORDS).fill(Math.imul(ordinal, 4) + output);
}

function check(frame: FrameView, ordinal: number, output: number): void {
  const words = new Int32Array(frame.bytes.buffer, frame.bytes.byteOffset, PAYLOAD_WORDS);
  if (frame.ordinal !== ordinal || words.some((word) => word !== ((Math.imul(ordinal, 4) + output) | 0)))
    throw new Error(`frame ${ordinal}, output ${output}, slot ${frame.slot & SLOT_MASK}: ordinal ${frame.ordinal}, ${[...words]}`);
}
