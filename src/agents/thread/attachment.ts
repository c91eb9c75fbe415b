import { type ArenaViews, viewArena } from '../../frame/arena-views.js';
import { FrameView } from '../../frame/frame-view.js';
import { SLOT } from '../../frame/slot-layout.js';
import type { WasmMemory } from '../../frame/wasm-memory.js';
import type { EdgePlan, Plan, PoolPlan, SinkNode, SourceNode, StageNode } from '../../plan/plan-types.js';
import { sleepAsync } from '../../ring/park.js';
import { ARRAY, BANK, CONTROL, EMPTY, LINE, PHASE, RING, SLOT_MASK, SOURCE } from '../../ring/ring-layout.js';
import { loadRing, type RingOperations } from '../../ring/ring-operations.js';
import type { Wait } from './agent.js';
import { createClock } from './clock.js';
import { GatedRing } from './gated-ring.js';
import { guardedRing } from './guarded-ring.js';

/** What a thread of a pipeline works with: its instance of the ring operations and its views of the arena. */
export class Attachment {
  readonly arena: ArenaViews;
  readonly ring: RingOperations;
  /** The same operations, each repeated while the gate is closed. */
  readonly gated: GatedRing;
  readonly line: number;
  readonly park: number;
  readonly sourceNames: readonly string[];
  /** Microseconds on the clock that all threads of the process share. */
  readonly nowUs: () => number = createClock();
  readonly #frames: (FrameView | undefined)[];

  constructor(
    readonly memory: WasmMemory,
    readonly plan: Plan,
    readonly thread: number,
    file?: string,
    die?: (step: number) => void,
  ) {
    this.arena = viewArena(memory);
    this.line = plan.threads[thread]!.line;
    const ring = loadRing(memory, file, die);
    this.ring = plan.guards ? guardedRing(ring, this.arena, plan, this.line) : ring;
    this.gated = new GatedRing(this.ring, this.arena.words);
    this.park = this.line + LINE.park;
    this.sourceNames = plan.sources.map((source) => source.name);
    this.#frames = new Array(plan.slots);
    const source = plan.sources.find((one) => one.thread === thread);
    const banks = source ? source.block + SOURCE.banks : this.line + LINE.banks;
    const bankBytes = source ? SOURCE.bankBytes : BANK.bytes;
    this.ring.attach(thread, this.line, CONTROL.gate, plan.headers, plan.stride, plan.sourceBlocks, banks, bankBytes, plan.poison ? 1 : 0);
  }

  /** The view of a slot, by its number or a reference to it. */
  frame(reference: number): FrameView {
    const slot = reference & SLOT_MASK;
    let view = this.#frames[slot];
    if (!view) {
      const header = this.plan.headers + slot * this.plan.stride;
      const payload = this.word(header + SLOT.payload) >>> 0;
      const pool = this.plan.pools.find((one) => slot >= one.firstSlot && slot < one.firstSlot + one.slots)!;
      view = new FrameView(this.arena, slot, header, payload, pool.maxDataBytes);
      this.#frames[slot] = view;
    }
    return view;
  }

  word(address: number): number {
    return this.arena.words[address >>> 2]!;
  }

  setWord(address: number, value: number): void {
    this.arena.words[address >>> 2] = value;
  }

  /** Threads that died with a reference, which this one holds, since it came over its edge. */
  deathsOf(reference: number): number {
    const header = this.plan.headers + (reference & SLOT_MASK) * this.plan.stride;
    return this.word(header - SLOT.place - 4 * (reference >>> 24)) >>> 24;
  }

  /** The next slot of a chain, or EMPTY. */
  nextInChain(slot: number): number {
    return this.word(this.plan.headers + slot * this.plan.stride + SLOT.next);
  }

  get aborted(): boolean {
    return Atomics.load(this.arena.words, CONTROL.phase >> 2) === PHASE.abort;
  }

  isClosed(edge: EdgePlan): boolean {
    return Atomics.load(this.arena.words, (edge.ring + RING.closed) >>> 2) !== 0;
  }

  /** Whether a FIFO ring holds nothing: a look, not a claim. Where the head lags it may hold something. */
  isEmpty(ring: number, cells: number): boolean {
    const head = Atomics.load(this.arena.words, (ring + RING.head) >>> 2);
    const cell = (ring + RING.cells + 8 * (head & (cells - 1))) >>> 2;
    return Atomics.load(this.arena.words, cell + 1) === EMPTY && Atomics.load(this.arena.words, cell) === head;
  }

  /** Whether the cell of an ordinal in an ordered edge waits for just that ordinal. */
  admits(edge: EdgePlan, source: number, ordinal: number): boolean {
    const cell = edge.ring + RING.cells + source * edge.arrayStride + ARRAY.cells + 8 * (ordinal & (edge.cells - 1));
    return Atomics.load(this.arena.words, cell >>> 2) === (ordinal | 0);
  }

  /**
   * Sleeps until the bell is rung or some milliseconds have passed, unless `look` finds something first. The event loop
   * keeps running.
   */
  sleep(wait: Wait): Promise<void> {
    return sleepAsync(this.arena.words, wait.bell, wait.bit, this.park, () => !wait.look());
  }

  /** The edge into a node that has only one. */
  edgeInto(node: string): EdgePlan {
    return this.plan.edges.find((edge) => edge.node === node)!;
  }

  /** The edges out of which this thread takes, in the order of their inputs. */
  edgesRead(): EdgePlan[] {
    return this.plan.edges.filter((edge) => edge.consumerThreads.includes(this.thread));
  }

  poolOf(owner: string): PoolPlan {
    return this.plan.pools.find((pool) => pool.owner === owner)!;
  }

  sourceNode(name: string): SourceNode {
    return this.plan.sources.find((source) => source.name === name)!;
  }

  stageNode(name: string): StageNode {
    return this.plan.stages.find((stage) => stage.name === name)!;
  }

  sinkNode(name: string): SinkNode {
    return this.plan.sinks.find((sink) => sink.name === name)!;
  }
}

/** The bit of a thread in a bell whose members are listed; 0 for one beyond the thirty-second: it looks again by time only. */
export function bitIn(threads: readonly number[], thread: number): number {
  const index = threads.indexOf(thread);
  return index >= 0 && index < 32 ? (1 << index) | 0 : 0;
}
