import { SLOT } from '../frame/slot-layout.js';
import { CensusMemory, edgeOf, holderOf } from './census-memory.js';
import type { CensusEdge, CensusOptions, CensusPlan, CensusResult } from './census-types.js';
import { ARRAY, BELL, EMPTY, LINE, MAX_CODES, PLACE, RING, SETTLE, SLOT_MASK } from './ring-layout.js';
import type { RingOperations } from './ring-operations.js';

/** Thrown when memory contradicts itself, for example when a slot is free twice. */
export class CensusError extends Error {}

/** An output of a record. */
interface Output {
  readonly reference: number;
  readonly ring: number;
}

/**
 * Recovers after threads died: reads every slot and reference, finishes what the threads had committed, and gives what they held
 * to others. The gate must be closed, no live thread may be inside, and the dead threads must have ended. `ring` is an instance
 * that belongs to the supervisor and has a line of its own. README.md has the rules.
 */
export class Census {
  readonly #memory: CensusMemory;
  readonly #plan: CensusPlan;
  readonly #ring: RingOperations;
  readonly #options: CensusOptions;
  readonly #byNumber = new Map<number, CensusEdge>();
  readonly #byRing = new Map<number, CensusEdge>();
  /** The number of the edge or lane in whose cells a reference is. */
  #onRing = new Map<number, number>();
  /** What is in records that are kept: it stays with the number of the dead thread. */
  #kept = new Set<number>();
  /** Outputs in records of dead threads that these do not hold any more: they were going in, or another thread took them. */
  #given = new Set<number>();
  #toLane = new Map<CensusEdge, number[]>();
  #did: CensusResult = nothingDone();

  constructor(memory: WebAssembly.Memory, plan: CensusPlan, ring: RingOperations, options: CensusOptions) {
    this.#memory = new CensusMemory(memory, plan);
    this.#plan = plan;
    this.#ring = ring;
    this.#options = options;
    for (const edge of plan.edges) {
      this.#byNumber.set(edge.number, edge);
      this.#byNumber.set(edge.laneNumber, edge);
      this.#byRing.set(edge.ring, edge);
      this.#byRing.set(edge.lane, edge);
    }
  }

  /** Throws a CensusError when memory contradicts itself. */
  run(dead: ReadonlySet<number>): CensusResult {
    this.#did = nothingDone();
    this.#onRing = new Map();
    this.#kept = new Set();
    this.#given = new Set();
    this.#toLane = new Map();
    this.#readRings();
    for (const thread of dead) this.#finishRecords(thread);
    // First what the dead threads held. What was on its way is then put beside it by ordinal.
    this.#eachLive((reference, place) => {
      if (holderOf(place) < 0) return;
      if (this.#onRing.has(reference)) throw new CensusError(`reference ${reference} is on a ring, and held by thread ${holderOf(place)}`);
      if (dead.has(holderOf(place)) && !this.#kept.has(reference)) this.#takeBack(reference, edgeOf(place), holderOf(place));
    });
    this.#eachLive((reference, place) => {
      if (holderOf(place) < 0) this.#checkOn(reference, edgeOf(place));
    });
    this.#freeSlots();
    this.#fillLanes();
    this.#clearBells();
    return this.#did;
  }

  #freeNow(): Set<number> {
    const free = new Set<number>();
    for (const { ring, cells } of this.#plan.pools) {
      for (const slot of this.#memory.cells(ring + RING.cells, cells)) {
        if (free.has(slot)) throw new CensusError(`slot ${slot} is free twice`);
        free.add(slot);
      }
    }
    return free;
  }

  #readRings(): void {
    const found = (reference: number, edge: number): void => {
      if (this.#onRing.has(reference)) throw new CensusError(`reference ${reference} is on two rings`);
      this.#onRing.set(reference, edge);
    };
    for (const edge of this.#plan.edges) {
      for (const reference of this.#memory.cells(edge.lane + RING.cells, edge.laneCells)) found(reference, edge.laneNumber);
      if (edge.kind === 'fifo')
        for (const reference of this.#memory.cells(edge.ring + RING.cells, edge.cells)) found(reference, edge.number);
      else
        for (const [source] of this.#plan.sources.entries())
          for (const reference of this.#memory.cells(this.#memory.array(edge, source) + ARRAY.cells, edge.cells))
            found(reference, edge.number);
    }
  }

  /** Carries out what a dead thread had committed, and finishes the drop that it had begun. Each step may have been done already. */
  #finishRecords(thread: number): void {
    const { line } = this.#plan.threads[thread]!;
    if (this.#memory.word(line + LINE.drop) & 1) this.#finishDrop(thread, line);
    if (this.#memory.word(line + LINE.record) & 1) this.#finishCommit(thread, line);
    this.#memory.put(line + LINE.sinceMs, 0);
    this.#memory.publish(line + LINE.busy, 0);
  }

  #finishDrop(thread: number, line: number): void {
    this.#ring.recoverSettle(
      this.#memory.word(line + LINE.dropSource),
      this.#memory.word(line + LINE.dropOrdinal),
      this.#memory.word(line + LINE.dropLeaves),
      this.#memory.word(line + LINE.dropCode),
    );
    const reference = this.#memory.word(line + LINE.dropReference);
    if (this.#isHeldBy(thread, reference)) this.#memory.clear(reference);
    this.#memory.put(line + LINE.drop, this.#memory.word(line + LINE.drop) & ~1);
    this.#did.dropped++;
  }

  #finishCommit(thread: number, line: number): void {
    const settlements = Array.from({ length: this.#memory.word(line + LINE.settlements) }, (_, i) => this.#settlement(line, i));
    // Before outputs go on, as the thread itself would.
    for (const { source, ordinal, leaves, code } of settlements)
      if (code >>> 0 >= MAX_CODES) this.#ring.recoverSettleEach(source, ordinal, leaves, code);

    const left = this.#handOverOutputs(thread, line);
    if (left.length > 0) {
      this.#keepRecord(line, left);
      return;
    }
    for (const { source, ordinal, leaves, code } of settlements)
      if (code >>> 0 < MAX_CODES) this.#ring.recoverSettle(source, ordinal, leaves, code);
    for (const reference of this.#inputs(line)) {
      if (!this.#isHeldBy(thread, reference)) continue;
      this.#memory.clear(reference);
      this.#did.released++;
    }
    this.#memory.put(line + LINE.record, this.#memory.word(line + LINE.record) & ~1);
  }

  /** Hands over the outputs of a record. Returns those that an ordered edge does not admit yet. */
  #handOverOutputs(thread: number, line: number): Output[] {
    const left: Output[] = [];
    for (let i = 0; i < this.#memory.word(line + LINE.outputs); i++) {
      const reference = this.#memory.word(line + LINE.outputReferences + 8 * i);
      const ring = this.#memory.word(line + LINE.outputReferences + 8 * i + 4);
      const edge = this.#byRing.get(ring)!;
      if (!this.#isHeldBy(thread, reference) || edgeOf(this.#memory.place(reference)) === edge.number) {
        this.#given.add(reference); // handed over, and perhaps taken since
        continue;
      }
      if (this.#handOver(edge, reference)) this.#did.handedOver++;
      else left.push({ reference, ring });
    }
    return left;
  }

  /** Leaves a record with the number of the dead thread: its successor goes on with these outputs. */
  #keepRecord(line: number, left: readonly Output[]): void {
    for (const [i, { reference, ring }] of left.entries()) {
      this.#memory.put(line + LINE.outputReferences + 8 * i, reference);
      this.#memory.put(line + LINE.outputReferences + 8 * i + 4, ring);
      this.#kept.add(reference);
    }
    this.#memory.put(line + LINE.outputs, left.length);
    for (const reference of this.#inputs(line)) this.#kept.add(reference);
    this.#did.kept++;
  }

  #inputs(line: number): number[] {
    return Array.from({ length: this.#memory.word(line + LINE.inputs) }, (_, i) => this.#memory.word(line + LINE.inputReferences + 4 * i));
  }

  #isHeldBy(thread: number, reference: number): boolean {
    return this.#memory.isLive(reference) && holderOf(this.#memory.place(reference)) === thread;
  }

  #settlement(line: number, i: number): { source: number; ordinal: number; leaves: number; code: number } {
    const at = line + LINE.settleItems + SETTLE.bytes * i;
    return {
      source: this.#memory.word(at + SETTLE.source),
      ordinal: this.#memory.word(at + SETTLE.ordinal),
      leaves: this.#memory.word(at + SETTLE.leaves),
      code: this.#memory.word(at + SETTLE.code),
    };
  }

  /** Whether a committed output went on. An ordered edge that does not admit it yet leaves it where it is. */
  #handOver(edge: CensusEdge, reference: number): boolean {
    // The threads that died with it had it from another edge.
    this.#memory.putPlace(reference, this.#memory.place(reference) & ~PLACE.deathsMask);
    if (this.#ring.recoverGive(edge.ring, reference) === 0) {
      if (edge.kind === 'ordered') return false;
      this.#ring.recoverPush(edge.ring, reference);
    }
    if (this.#memory.isLive(reference) && holderOf(this.#memory.place(reference)) < 0) this.#onRing.set(reference, edge.number);
    return true;
  }

  #eachLive(visit: (reference: number, place: number) => void): void {
    for (let slot = 0; slot < this.#plan.slots; slot++) {
      for (let bits = this.#memory.word(this.#memory.header(slot) + SLOT.bits); bits !== 0; bits &= bits - 1) {
        const reference = slot | ((31 - Math.clz32(bits & -bits)) << 24);
        if (this.#memory.isLive(reference)) visit(reference, this.#memory.place(reference));
      }
    }
  }

  /** For a reference that should be on an edge. If it is in no cell, a thread died while it moved the reference in or out. */
  #checkOn(reference: number, number: number): void {
    const edge = this.#byNumber.get(number);
    if (!edge) throw new CensusError(`reference ${reference} is on edge ${number}, which does not exist`);
    const on = this.#onRing.get(reference);
    if (on === number) return;
    if (on !== undefined) throw new CensusError(`reference ${reference} is on edge ${on}, and its place says ${number}`);
    this.#did.putBack++;
    const slot = reference & SLOT_MASK;
    const source = this.#memory.word(this.#memory.header(slot) + SLOT.source);
    const ordinal = this.#memory.word(this.#memory.header(slot) + SLOT.ordinal);
    const drops = this.#drops(edge);
    const fits = edge.kind === 'ordered' ? this.#admits(edge, source, ordinal) : this.#isLast(edge, source, ordinal);
    // What the record of a dead thread lists was going in; the rest was coming out. A cell that still waits says so by itself.
    // The end of a series is never dropped: it goes to the lane.
    if (number === edge.number && fits && (this.#given.has(reference) || (edge.kind === 'ordered' && !drops))) {
      if (edge.kind === 'fifo') this.#ring.recoverPush(edge.ring, reference);
      else this.#memory.put(this.#memory.cell(edge, source, ordinal) + 4, reference);
      this.#onRing.set(reference, edge.number);
    } else if (drops && !this.#memory.endsSeries(slot)) this.#drop(edge, reference);
    else this.#lane(edge, reference);
  }

  /** Whether producers make room on an edge: what is out of its cells may be older than what others took since, and is dropped. */
  #drops({ overflow }: CensusEdge): boolean {
    return this.#options.dropCodes[overflow] !== undefined;
  }

  #drop(edge: CensusEdge, reference: number): void {
    this.#settle(edge, reference, this.#options.dropCodes[edge.overflow]!);
    this.#did.dropped++;
  }

  /** Ends a reference on the leaves that it serves. */
  #settle(edge: CensusEdge, reference: number, code: number): void {
    const header = this.#memory.header(reference & SLOT_MASK);
    const source = this.#memory.word(header + SLOT.source);
    this.#ring.recoverSettle(source, this.#memory.word(header + SLOT.ordinal), edge.leaves[source]![reference >>> 24]!, code);
    this.#memory.clear(reference);
  }

  /** For a reference that a dead thread held: given up if the thread had just claimed it, else done again by another. */
  #takeBack(reference: number, number: number, holder: number): void {
    if (number === 0) {
      this.#memory.clear(reference);
      this.#did.undone++;
      return;
    }
    const edge = this.#byNumber.get(number)!;
    if (!edge.consumerThreads.includes(holder)) {
      this.#drop(edge, reference); // a producer had taken it out to make room
      return;
    }
    const slot = reference & SLOT_MASK;
    const attempts = this.#memory.countDeath(reference);
    const ends = edge.handsOn && this.#memory.endsSeries(slot);
    const isGivenUp = attempts >= edge.attempts && !(ends && attempts > edge.attempts);
    if (!isGivenUp || this.#options.isSettled?.(edge.number, reference)) {
      this.#lane(edge, reference);
      this.#did.redispatched++;
      this.#options.onRedispatch?.(edge.number, this.#memory.recordsOf(slot), slot);
      return;
    }
    const header = this.#memory.header(slot);
    const source = this.#memory.word(header + SLOT.source);
    const ordinal = this.#memory.word(header + SLOT.ordinal);
    this.#options.onLost?.({
      edge: edge.number,
      slot,
      source,
      ordinal: ordinal >>> 0,
      leaves: edge.leaves[source]![reference >>> 24]!,
      attempts,
      thread: holder,
      records: this.#memory.recordsOf(slot),
      ends,
    });
    this.#did.lost++;
    // Its frames are given up, and the end of the series goes on: the next worker only hands it on.
    if (ends) this.#lane(edge, reference);
    else this.#settle(edge, reference, this.#options.lostCode);
  }

  #lane(edge: CensusEdge, reference: number): void {
    const list = this.#toLane.get(edge);
    if (list) list.push(reference);
    else this.#toLane.set(edge, [reference]);
  }

  /** A slot without bits that is in no free ring and in no chain below a slot with bits is free. */
  #freeSlots(): void {
    const free = this.#freeNow(); // read last: what a policy dropped before is free already
    const reached = new Set<number>();
    const lost: number[] = [];
    for (let slot = 0; slot < this.#plan.slots; slot++) {
      const header = this.#memory.header(slot);
      if (this.#memory.word(header + SLOT.bits) === 0) continue;
      if (free.has(slot)) throw new CensusError(`slot ${slot} is free, and has bits`);
      for (
        let next = this.#memory.word(header + SLOT.next);
        next !== EMPTY && !reached.has(next);
        next = this.#memory.word(this.#memory.header(next) + SLOT.next)
      )
        reached.add(next);
    }
    for (let slot = 0; slot < this.#plan.slots; slot++) {
      if (this.#memory.word(this.#memory.header(slot) + SLOT.bits) === 0 && !free.has(slot) && !reached.has(slot)) lost.push(slot);
    }
    for (const slot of lost) this.#ring.recoverFree(slot);
    this.#did.freed += lost.length;
  }

  /** Adds to the lanes, and sorts them by source and ordinal: a lane is read before its edge, and is older. */
  #fillLanes(): void {
    for (const [edge, added] of this.#toLane) {
      const all = [...added];
      for (let reference = this.#ring.recoverPop(edge.lane); reference !== EMPTY; reference = this.#ring.recoverPop(edge.lane))
        all.push(reference);
      const key = (reference: number, word: number): number => this.#memory.word(this.#memory.header(reference & SLOT_MASK) + word);
      all.sort((a, b) => key(a, SLOT.source) - key(b, SLOT.source) || (key(a, SLOT.ordinal) - key(b, SLOT.ordinal)) | 0);
      for (const reference of all) this.#ring.recoverPush(edge.lane, reference);
    }
  }

  /** The bit of a dead sleeper would swallow a wake-up. Live threads set theirs again: the supervisor wakes all of them. */
  #clearBells(): void {
    const bells = [
      ...this.#plan.edges.flatMap(({ itemBell, spaceBell }) => [itemBell, spaceBell]),
      ...this.#plan.pools.map(({ bell }) => bell),
      ...this.#plan.sources.map(({ bell }) => bell),
    ];
    for (const bell of bells) this.#memory.publish(bell + BELL.sleepers, 0);
  }

  /** Whether an ordinal is above all others of its source on the edge and in its lane. */
  #isLast(edge: CensusEdge, source: number, ordinal: number): boolean {
    const isAbove = (reference: number): boolean => {
      const header = this.#memory.header(reference & SLOT_MASK);
      return this.#memory.word(header + SLOT.source) !== source || ((ordinal - this.#memory.word(header + SLOT.ordinal)) | 0) > 0;
    };
    for (const [reference, on] of this.#onRing) if ((on === edge.number || on === edge.laneNumber) && !isAbove(reference)) return false;
    return (this.#toLane.get(edge) ?? []).every(isAbove);
  }

  #admits(edge: CensusEdge, source: number, ordinal: number): boolean {
    const cell = this.#memory.cell(edge, source, ordinal);
    return this.#memory.word(cell) === ordinal && this.#memory.word(cell + 4) === EMPTY;
  }
}

function nothingDone(): CensusResult {
  return { redispatched: 0, lost: 0, handedOver: 0, released: 0, dropped: 0, kept: 0, undone: 0, putBack: 0, freed: 0 };
}
