import { JoinInputs } from '../../src/agents/stage/join-inputs.js';
import type { Attachment } from '../../src/agents/thread/attachment.js';
import { RecordWriter, readChain, recordOutputs } from '../../src/agents/thread/commit-outputs.js';
import { edgeFor } from '../../src/agents/thread/route-by-key.js';
import type { FrameView } from '../../src/frame/frame-view.js';
import { OUTCOME } from '../../src/observe/outcome.js';
import type { EdgePlan, PoolPlan, StageNode } from '../../src/plan/plan-types.js';
import { checkMark, mark, Rest, type SimulatedThread, type Wait } from './simulated-thread.js';

/** What one worker does with its inputs, by the stage's type and parameters (simulated-operators.ts). */
class Work {
  readonly #stage: StageNode;
  readonly #record: RecordWriter;
  readonly #edge: EdgePlan;
  readonly #passes: boolean;
  readonly #merges: boolean;
  readonly #salt: number;
  readonly #filters: boolean;
  #merged = 0;

  constructor(
    readonly attachment: Attachment,
    stage: StageNode,
  ) {
    const { type, params } = stage.operators.at(-1)!;
    this.#stage = stage;
    this.#record = new RecordWriter(attachment);
    this.#edge = attachment.edgesRead()[0]!;
    this.#passes = type.includes('passes');
    this.#merges = type === 'sim-merge';
    this.#salt = Number(params.salt ?? 0);
    this.#filters = params.filters === true;
  }

  /** What an input becomes: nothing, itself, or frames out of the stock. */
  outputsOf(inputs: readonly FrameView[], stock: FrameView[]): readonly FrameView[] {
    const input = inputs[0]!;
    if (this.#merges) return ++this.#merged % 4 === 0 ? this.#make(input, stock, 1) : [];
    const die = Math.imul(input.ordinal + 1 + 7919 * this.#salt, 0x9e3779b1) >>> 29;
    if (this.#filters && die === 0) return [];
    if (this.#passes && die < 3) return [...inputs];
    // A parcel leaves in as many slots as those that its outputs are packed into.
    return this.#make(input, stock, die === 7 ? 1 : Math.max(this.#stage.maxOutputs, this.#stage.parcelSlots));
  }

  #make(input: FrameView, stock: FrameView[], count: number): FrameView[] {
    return Array.from({ length: count }, () => {
      const output = stock.pop()!;
      output.begin('uint8', [1, 16]);
      output.sourceIndex = input.sourceIndex;
      output.ordinal = input.ordinal;
      output.sequence = input.sequence;
      output.block = input.block;
      output.inheritMeta(input);
      mark(output);
      return output;
    });
  }

  /** Commits one input. */
  commit(
    reference: number,
    inputs: readonly FrameView[],
    outputs: readonly FrameView[],
    rest: Rest,
    join?: JoinInputs,
    partners: readonly number[] = [],
  ): void {
    const { sourceIndex, ordinal } = inputs[0]!;
    const branch = reference >>> 24;
    const record = this.#record;
    record.start();
    if (outputs.length === 0) {
      record.settle(sourceIndex, ordinal, this.#edge.leaves[sourceIndex]![branch]!, this.#merges ? OUTCOME.merged : OUTCOME.filtered);
      record.input(reference);
    } else {
      const passesOn = outputs[0]!.slot === inputs[0]!.slot;
      recordOutputs(this.attachment, record, reference, passesOn, outputs, this.#stage.routes[sourceIndex]![branch]!);
    }
    const code = outputs.length > 0 || this.#merges ? OUTCOME.merged : OUTCOME.filtered;
    for (const [i, partner] of partners.entries()) {
      const { sourceIndex: source, ordinal: own } = this.attachment.frame(partner);
      record.settle(source, own, join!.partnerLeaves(i, partner), code);
      record.input(partner);
    }
    rest.begin(record.commit(1, 16), record.outputCount);
  }
}

/** Waits for a slot, then for an input, processes, commits and hands over: the synchronous loop of operator-agent.ts. */
export class SimulatedWorker implements SimulatedThread {
  holdsBack = false;
  readonly #rest: Rest;
  readonly #work: Work;
  readonly #stock: FrameView[] = [];
  readonly #edge: EdgePlan;
  readonly #pool: PoolPlan;
  readonly #inputs: FrameView[] = [];
  readonly #join: JoinInputs | undefined;
  readonly #joined: FrameView[] = [];
  readonly #partners: number[] = [];
  #reference = -1;
  #from = 0;

  constructor(
    readonly attachment: Attachment,
    readonly stage: StageNode,
    readonly name: string,
  ) {
    this.#rest = new Rest(attachment);
    this.#work = new Work(attachment, stage);
    this.#edge = attachment.edgesRead()[0]!;
    this.#join = stage.operators[0]!.type === 'join' ? new JoinInputs(attachment, stage) : undefined;
    this.#pool = attachment.poolOf(stage.name);
  }

  /** Whether it joins and may wait for another source, and then no longer than a time. */
  get waitsByTime(): boolean {
    return this.#join !== undefined && this.stage.operators[0]!.params.by !== 'ordinal';
  }

  held(): number | undefined {
    return this.#reference >= 0 ? this.#inputs[0]!.ordinal : undefined;
  }

  turn(): Wait | undefined {
    const { ring, plan } = this.attachment;
    if (this.#rest.isLeft) return this.#rest.resume();
    if (this.#reference >= 0) {
      for (const input of this.#inputs) checkMark(input);
      for (const frame of this.#joined) {
        checkMark(frame);
        const { sourceIndex, ordinal } = this.#inputs[0]!;
        if (frame.sourceIndex === sourceIndex && frame.ordinal !== ordinal)
          throw new Error(`${this.name} joined ${frame.ordinal} with ${ordinal}`);
      }
      const outputs = this.#work.outputsOf(this.#inputs, this.#stock);
      this.#work.commit(this.#reference, this.#inputs, outputs, this.#rest, this.#join, this.#partners);
      this.#reference = -1;
      return undefined;
    }
    if (this.#stock.length < this.stage.maxOutputs + this.stage.parcelSlots) {
      const slot = ring.claim(this.#pool.ring);
      if (slot < 0) return { bell: this.#pool.bell, members: this.#pool.threads, why: 'a slot' };
      this.#stock.push(this.attachment.frame(slot));
      return undefined;
    }
    this.#from = (this.#from + 1) % plan.sources.length;
    this.#reference = this.#join ? this.#join.take() : ring.take(this.#edge.ring, this.#from);
    if (this.#reference < 0) return { bell: this.#edge.itemBell, members: this.#edge.consumerThreads, why: 'an input' };
    if (this.#join) this.#join.hand(this.#inputs, this.#joined, this.#partners);
    else readChain(this.attachment, this.#reference, this.#inputs);
    return undefined;
  }

  close(): void {
    for (const { slot } of this.#stock.splice(0)) this.attachment.ring.release(slot);
  }
}

interface Lane {
  readonly stock: FrameView[];
  readonly inputs: FrameView[];
  outputs: readonly FrameView[];
  reference: number;
}

/** Several frames under way in one worker: the asynchronous loop of operator-agent.ts. It settles the highest ordinal first. */
export class SimulatedAsyncWorker implements SimulatedThread {
  holdsBack = false;
  readonly #rest: Rest;
  readonly #work: Work;
  readonly #edge: EdgePlan;
  readonly #pool: PoolPlan;
  readonly #lanes: readonly Lane[];
  readonly #idle: Lane[];
  readonly #busy: Lane[] = [];
  readonly #finished: Lane[] = [];
  #lane: Lane | undefined;
  #from = 0;

  constructor(
    readonly attachment: Attachment,
    readonly stage: StageNode,
    readonly name: string,
  ) {
    this.#rest = new Rest(attachment);
    this.#work = new Work(attachment, stage);
    this.#edge = attachment.edgesRead()[0]!;
    this.#pool = attachment.poolOf(stage.name);
    this.#lanes = Array.from({ length: stage.concurrency }, () => ({ stock: [], inputs: [], outputs: [], reference: -1 }));
    this.#idle = [...this.#lanes];
  }

  held(): number | undefined {
    return this.#busy.length > 0 ? Math.min(...this.#busy.map(({ inputs }) => inputs[0]!.ordinal)) : undefined;
  }

  turn(): Wait | undefined {
    return this.#hands() || this.#commits() || this.#takes() || this.#settles() ? undefined : 'poll';
  }

  #hands(): boolean {
    return this.#rest.isLeft && this.#rest.resume() === undefined;
  }

  #commits(): boolean {
    if (this.#rest.isLeft) return false;
    this.#finished.sort((a, b) => (a.inputs[0]!.ordinal - b.inputs[0]!.ordinal) | 0);
    const at = this.#finished.findIndex((lane) => this.#mayCommit(lane));
    if (at < 0) return false;
    const lane = this.#finished.splice(at, 1)[0]!;
    this.#work.commit(lane.reference, lane.inputs, lane.outputs, this.#rest);
    this.#idle.push(lane);
    return true;
  }

  /** As the agent: every ordered edge that waits would take it now. */
  #mayCommit({ inputs, outputs, reference }: Lane): boolean {
    if (outputs.length === 0) return true;
    const { sourceIndex, ordinal } = inputs[0]!;
    return this.stage.routes[sourceIndex]![reference >>> 24]!.every((route) => {
      const edge = this.attachment.plan.edges[edgeFor(route, outputs[0]!)]!;
      const waits = edge.kind === 'ordered' && (edge.overflow === 'block' || edge.overflow === 'sample');
      return !waits || this.attachment.admits(edge, sourceIndex, ordinal);
    });
  }

  #takes(): boolean {
    const { ring, plan } = this.attachment;
    this.#lane ??= this.#idle.pop();
    const lane = this.#lane;
    if (!lane) return false;
    if (lane.stock.length < this.stage.maxOutputs + this.stage.parcelSlots) {
      const left = this.#idle.find(({ stock }) => stock.length > 0)?.stock.pop();
      if (left) lane.stock.push(left);
      if (left) return true;
      const slot = ring.claim(this.#pool.ring);
      if (slot >= 0) lane.stock.push(this.attachment.frame(slot));
      return slot >= 0;
    }
    this.#from = (this.#from + 1) % plan.sources.length;
    lane.reference = ring.take(this.#edge.ring, this.#from);
    if (lane.reference < 0) return false;
    readChain(this.attachment, lane.reference, lane.inputs);
    this.#busy.push(lane);
    this.#lane = undefined;
    return true;
  }

  #settles(): boolean {
    if (this.#busy.length === 0 || (this.holdsBack && this.#busy.length === 1)) return false;
    this.#busy.sort((a, b) => (a.inputs[0]!.ordinal - b.inputs[0]!.ordinal) | 0);
    const lane = this.#busy.pop()!;
    for (const input of lane.inputs) checkMark(input);
    lane.outputs = this.#work.outputsOf(lane.inputs, lane.stock);
    this.#finished.push(lane);
    return true;
  }

  close(): void {
    for (const { stock } of this.#lanes) for (const { slot } of stock.splice(0)) this.attachment.ring.release(slot);
  }
}
