import { Attachment } from '../../src/agents/thread/attachment.js';
import { SLOT } from '../../src/frame/slot-layout.js';
import { createArena } from '../../src/memory/arena.js';
import type { PlanOptions } from '../../src/plan/draft.js';
import { formatArena } from '../../src/plan/format-arena.js';
import { plan as makePlan } from '../../src/plan/plan.js';
import type { EdgePlan, Plan, PoolPlan } from '../../src/plan/plan-types.js';
import { ENTRY, LEDGER, LINE, RING, SETTLE, SLOT_MASK, SOURCE } from '../../src/ring/ring-layout.js';
import { specFromObject } from '../../src/spec/load.js';

export interface BenchOptions extends PlanOptions {
  /** The edge into the sinks, each by its name. */
  readonly sinks: Readonly<Record<string, object>>;
  readonly slots?: number;
  /** An operator stage with so many workers between source and sinks makes the sinks' edges ordered. */
  readonly workers?: number;
  /** First positions of the rings of edges and pools. */
  readonly startPosition?: number;
}

/** An arena of a real plan, and the ring operations on it, without any thread: each node's thread is an attachment. */
export class RingBench {
  readonly memory: WebAssembly.Memory;
  readonly words: Int32Array;
  readonly source: Attachment;

  private constructor(
    readonly plan: Plan,
    startPosition: number,
  ) {
    this.memory = createArena(plan.bytes);
    this.words = new Int32Array(this.memory.buffer);
    formatArena(this.memory, plan);
    moveRings(this.words, plan, startPosition);
    this.source = this.attach(0);
  }

  static async make({ sinks, slots, workers, startPosition = 0, ...options }: BenchOptions): Promise<RingBench> {
    const from = workers ? 'work' : 's';
    const spec = specFromObject({
      version: 1,
      sources: { s: { type: 'sim', pattern: 'counter', shape: [1, 16], dtype: 'uint8', ...(slots ? { slots } : {}) } },
      ...(workers ? { stages: { work: { from: 's', workers, operators: [{ type: 'veto', min: 0 }] } } } : {}),
      sinks: Object.fromEntries(Object.entries(sinks).map(([name, edge]) => [name, { type: 'null', from, ...edge }])),
    });
    return new RingBench((await makePlan(spec, options)).plan, startPosition);
  }

  attach(thread: number): Attachment {
    return new Attachment(this.memory, this.plan, thread);
  }

  /** Thread `index` of a node. */
  threadOf(node: string, index = 0): Attachment {
    return this.attach(this.plan.threads.find((one) => one.node === node && one.index === index)!.thread);
  }

  edge(node: string): EdgePlan {
    return this.plan.edges.find((edge) => edge.node === node)!;
  }

  pool(owner: string): PoolPlan {
    return this.plan.pools.find((pool) => pool.owner === owner)!;
  }

  /** Commits one frame of the source. How many edges took it, or undefined without a free slot. */
  send(ordinal: number, routes = this.plan.sources[0]!.routes): number | undefined {
    const { ring, line } = this.source;
    const slot = ring.claim(this.pool('s').ring);
    if (slot < 0) return undefined;
    this.header(slot, SLOT.source, 0);
    this.header(slot, SLOT.ordinal, ordinal);
    ring.fanClaimed(
      slot,
      routes.reduce((mask, { branch }) => mask | (1 << branch), 0),
    );
    for (const [i, { node, branch }] of routes.entries()) {
      this.put(line + LINE.outputReferences + 8 * i, slot | (branch << 24));
      this.put(line + LINE.outputReferences + 8 * i + 4, this.edge(node).ring);
    }
    return ring.commitFrame(0, this.plan.sources[0]!.leaves, routes.length, 16, 1);
  }

  /** Settles and releases what a thread took from the edge into `node`. */
  finish(
    thread: Attachment,
    node: string,
    reference: number,
    code: number,
    outputs: readonly (readonly [reference: number, node: string])[] = [],
  ): number {
    const { line } = thread;
    const passes = outputs.some(([output]) => (output & SLOT_MASK) === (reference & SLOT_MASK));
    if (!passes) this.put(line + LINE.inputReferences, reference);
    for (const [i, [output, to]] of outputs.entries()) {
      this.put(line + LINE.outputReferences + 8 * i, output);
      this.put(line + LINE.outputReferences + 8 * i + 4, this.edge(to).ring);
    }
    if (outputs.length === 0) {
      this.put(line + LINE.settleItems + SETTLE.source, 0);
      this.put(line + LINE.settleItems + SETTLE.ordinal, this.ordinalOf(reference));
      this.put(line + LINE.settleItems + SETTLE.leaves, this.edge(node).leaves[0]![reference >>> 24]!);
      this.put(line + LINE.settleItems + SETTLE.code, code);
    }
    return thread.ring.commit(passes ? 0 : 1, outputs.length, outputs.length === 0 ? 1 : 0, 1, 16);
  }

  header(slot: number, word: number, value?: number): number {
    const at = this.plan.headers + (slot & SLOT_MASK) * this.plan.stride + word;
    if (value !== undefined) this.put(at, value);
    return this.words[at >>> 2]!;
  }

  ordinalOf(reference: number): number {
    return this.header(reference, SLOT.ordinal) >>> 0;
  }

  put(address: number, value: number): void {
    this.words[address >>> 2] = value;
  }

  /** Free slots of a pool, each number once. */
  free(owner: string): number[] {
    const { ring, cells } = this.pool(owner);
    const slots: number[] = [];
    for (let i = 0; i < cells; i++) {
      const slot = this.words[(ring + RING.cells + 8 * i + 4) >>> 2]!;
      if (slot >= 0) slots.push(slot);
    }
    return slots.sort((a, b) => a - b);
  }

  /** The ledger of the source, after a sweep. */
  ledger(): { received: number; inFlight: number; count(code: number): number } {
    while (this.source.ring.sweep(0, 1024) > 0);
    const record = this.words[(this.source.line + LINE.record) >>> 2]!;
    const bank = this.plan.sources[0]!.block + SOURCE.banks + ((record >>> 1) & 1) * SOURCE.bankBytes;
    const word = (n: number): number => this.words[(bank + 4 * n) >>> 2]!;
    return {
      received: word(LEDGER.received),
      inFlight: (word(LEDGER.given) - word(LEDGER.low)) | 0,
      count: (code) => word(LEDGER.counts + code),
    };
  }

  owed(ordinal: number): number {
    const { table, tableEntries } = this.plan.sources[0]!;
    return this.words[(table + (ordinal & (tableEntries - 1)) * ENTRY.bytes + ENTRY.owed) >>> 2]!;
  }
}

/** Lets every FIFO ring of a plan begin at another position than 0. */
export function moveRings(words: Int32Array, plan: Plan, start: number): void {
  for (const { ring, cells, kind, lane, laneCells } of plan.edges) {
    if (kind === 'fifo') moveRing(words, ring, cells, 0, start);
    moveRing(words, lane, laneCells, 0, start);
  }
  for (const { ring, cells, slots } of plan.pools) moveRing(words, ring, cells, slots, start);
}

/** Renumbers a ring that holds `filled` items from position 0 on. */
function moveRing(words: Int32Array, ring: number, cells: number, filled: number, start: number): void {
  const items = Array.from({ length: cells }, (_, i) => words[(ring + RING.cells + 8 * i + 4) >>> 2]!);
  for (let i = 0; i < cells; i++) {
    const position = start + i;
    const cell = (ring + RING.cells + 8 * (position & (cells - 1))) >>> 2;
    // A full cell of position p has stamp p; an empty one waits for the position that comes to it next.
    words[cell] = position;
    words[cell + 1] = items[i]!;
  }
  words[(ring + RING.head) >>> 2] = start;
  words[(ring + RING.tail) >>> 2] = start + filled;
}

/** Numerical Recipes' linear congruential generator: whole numbers below n. */
export function seeded(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}
