import { FLAGS, SLOT } from '../frame/slot-layout.js';
import type { CensusEdge, CensusOptions, CensusPlan, CensusResult } from './census-types.js';
import { ARRAY, BELL, EMPTY, LINE, MAX_CODES, PLACE, RING, SETTLE, SLOT_MASK } from './ring-layout.js';
import type { RingOperations } from './ring-operations.js';

/** Thrown when memory contradicts itself: a slot twice, a reference in a place that it does not know of. */
export class CensusError extends Error {}

const holderOf = (place: number): number => ((place >>> PLACE.holderShift) & PLACE.holderMask) - 1;
const edgeOf = (place: number): number => place & PLACE.edgeMask;
const deathsOf = (place: number): number => place >>> PLACE.deathsShift;

/**
 * Takes stock of every slot and reference after threads have died, finishes what they had committed, and gives what they
 * held to others. The gate must be closed and no live thread inside; the dead must have ended. `ring` is an instance of the
 * supervisor's own, with a line of its own. README.md has the rules, one by one.
 */
export class Census {
  readonly #words: Int32Array;
  readonly #plan: CensusPlan;
  readonly #ring: RingOperations;
  readonly #options: CensusOptions;
  readonly #byNumber = new Map<number, CensusEdge>();
  readonly #byRing = new Map<number, CensusEdge>();
  /** References by the number of the edge (or lane) in whose cells they are. */
  #onRing = new Map<number, number>();
  /** Outputs of records that are kept: they stay with the dead thread's number. */
  #kept = new Set<number>();
  /** Outputs of the records of the dead that are neither theirs any more nor in a cell: they were going in, or are taken. */
  #given = new Set<number>();
  #toLane = new Map<CensusEdge, number[]>();
  #did: CensusResult = nothingDone();

  constructor(memory: WebAssembly.Memory, plan: CensusPlan, ring: RingOperations, options: CensusOptions) {
    this.#words = new Int32Array(memory.buffer);
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
    // What the dead held first: what was on its way is put beside it by ordinal.
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
      for (const slot of this.#cells(ring + RING.cells, cells)) {
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
      for (const reference of this.#cells(edge.lane + RING.cells, edge.laneCells)) found(reference, edge.laneNumber);
      if (edge.kind === 'fifo') for (const reference of this.#cells(edge.ring + RING.cells, edge.cells)) found(reference, edge.number);
      else
        for (const [source] of this.#plan.sources.entries())
          for (const reference of this.#cells(this.#array(edge, source) + ARRAY.cells, edge.cells)) found(reference, edge.number);
    }
  }

  *#cells(cells: number, count: number): Generator<number> {
    for (let i = 0; i < count; i++) {
      const reference = this.#word(cells + 8 * i + 4);
      if (reference !== EMPTY) yield reference;
    }
  }

  /** What the thread had committed is carried out; what it had begun to drop is dropped. Each step may have been done already. */
  #finishRecords(thread: number): void {
    const { line } = this.#plan.threads[thread]!;
    const mine = (reference: number): boolean => this.#isLive(reference) && holderOf(this.#place(reference)) === thread;
    if (this.#word(line + LINE.drop) & 1) {
      const [reference, source, ordinal, leaves, code] = [
        LINE.dropReference,
        LINE.dropSource,
        LINE.dropOrdinal,
        LINE.dropLeaves,
        LINE.dropCode,
      ].map((word) => this.#word(line + word)) as [number, number, number, number, number];
      this.#ring.recoverSettle(source, ordinal, leaves, code);
      if (mine(reference)) this.#clear(reference);
      this.#put(line + LINE.drop, this.#word(line + LINE.drop) & ~1);
      this.#did.dropped++;
    }
    if (this.#word(line + LINE.record) & 1) {
      const left: [reference: number, ring: number][] = [];
      const settlements = Array.from({ length: this.#word(line + LINE.settlements) }, (_, i) => this.#settlement(line, i));
      // Before outputs go on, as the thread itself would.
      for (const { source, ordinal, leaves, code } of settlements)
        if (code >>> 0 >= MAX_CODES) this.#ring.recoverSettleEach(source, ordinal, leaves, code);
      for (let i = 0; i < this.#word(line + LINE.outputs); i++) {
        const reference = this.#word(line + LINE.outputReferences + 8 * i);
        const ring = this.#word(line + LINE.outputReferences + 8 * i + 4);
        const edge = this.#byRing.get(ring)!;
        if (!mine(reference) || edgeOf(this.#place(reference)) === edge.number) {
          this.#given.add(reference); // handed over, and perhaps taken since
          continue;
        }
        if (this.#handOver(edge, reference)) this.#did.handedOver++;
        else left.push([reference, ring]);
      }
      if (left.length > 0) {
        for (const [i, [reference, ring]] of left.entries()) {
          this.#put(line + LINE.outputReferences + 8 * i, reference);
          this.#put(line + LINE.outputReferences + 8 * i + 4, ring);
          this.#kept.add(reference);
        }
        this.#put(line + LINE.outputs, left.length);
        for (let i = 0; i < this.#word(line + LINE.inputs); i++) this.#kept.add(this.#word(line + LINE.inputReferences + 4 * i));
        this.#did.kept++;
      } else {
        for (const { source, ordinal, leaves, code } of settlements)
          if (code >>> 0 < MAX_CODES) this.#ring.recoverSettle(source, ordinal, leaves, code);
        for (let i = 0; i < this.#word(line + LINE.inputs); i++) {
          const reference = this.#word(line + LINE.inputReferences + 4 * i);
          if (!mine(reference)) continue;
          this.#clear(reference);
          this.#did.released++;
        }
        this.#put(line + LINE.record, this.#word(line + LINE.record) & ~1);
      }
    }
    this.#put(line + LINE.sinceMs, 0);
    Atomics.store(this.#words, (line + LINE.busy) >>> 2, 0);
  }

  #settlement(line: number, i: number): { source: number; ordinal: number; leaves: number; code: number } {
    const at = line + LINE.settleItems + SETTLE.bytes * i;
    return {
      source: this.#word(at + SETTLE.source),
      ordinal: this.#word(at + SETTLE.ordinal),
      leaves: this.#word(at + SETTLE.leaves),
      code: this.#word(at + SETTLE.code),
    };
  }

  /** Whether a committed output went on. An ordered edge that does not admit it yet leaves it where it is. */
  #handOver(edge: CensusEdge, reference: number): boolean {
    // Those who died with it had it from another edge.
    this.#putPlace(reference, this.#place(reference) & ~PLACE.deathsMask);
    if (this.#ring.recoverGive(edge.ring, reference) === 0) {
      if (edge.kind === 'ordered') return false;
      this.#ring.recoverPush(edge.ring, reference);
    }
    if (this.#isLive(reference) && holderOf(this.#place(reference)) < 0) this.#onRing.set(reference, edge.number);
    return true;
  }

  #eachLive(visit: (reference: number, place: number) => void): void {
    for (let slot = 0; slot < this.#plan.slots; slot++) {
      for (let bits = this.#word(this.#header(slot) + SLOT.bits); bits !== 0; bits &= bits - 1) {
        const reference = slot | ((31 - Math.clz32(bits & -bits)) << 24);
        if (this.#isLive(reference)) visit(reference, this.#place(reference));
      }
    }
  }

  /** A reference that should be on an edge: if it is in no cell, somebody died while it went in or came out. */
  #checkOn(reference: number, number: number): void {
    const edge = this.#byNumber.get(number);
    if (!edge) throw new CensusError(`reference ${reference} is on edge ${number}, which there is not`);
    const on = this.#onRing.get(reference);
    if (on === number) return;
    if (on !== undefined) throw new CensusError(`reference ${reference} is on edge ${on}, and its place says ${number}`);
    this.#did.putBack++;
    const slot = reference & SLOT_MASK;
    const source = this.#word(this.#header(slot) + SLOT.source);
    const ordinal = this.#word(this.#header(slot) + SLOT.ordinal);
    const drops = this.#drops(edge);
    const fits = edge.kind === 'ordered' ? this.#admits(edge, source, ordinal) : this.#isLast(edge, source, ordinal);
    // What a dead thread's record names was on its way in, the rest on its way out; a cell that still waits says so by itself.
    // What ends a series is dropped nowhere, and goes over the lane.
    if (number === edge.number && fits && (this.#given.has(reference) || (edge.kind === 'ordered' && !drops))) {
      if (edge.kind === 'fifo') this.#ring.recoverPush(edge.ring, reference);
      else this.#put(this.#cell(edge, source, ordinal) + 4, reference);
      this.#onRing.set(reference, edge.number);
    } else if (drops && !this.#endsSeries(slot)) this.#drop(edge, reference);
    else this.#lane(edge, reference);
  }

  /** Where producers make room, what is out of the edge may be older than what others have had since: it is dropped, as it would have been. */
  #drops({ overflow }: CensusEdge): boolean {
    return this.#options.dropCodes[overflow] !== undefined;
  }

  #drop(edge: CensusEdge, reference: number): void {
    this.#settle(edge, reference, this.#options.dropCodes[edge.overflow]!);
    this.#did.dropped++;
  }

  /** Ends a reference on the leaves that it serves. */
  #settle(edge: CensusEdge, reference: number, code: number): void {
    const header = this.#header(reference & SLOT_MASK);
    const source = this.#word(header + SLOT.source);
    this.#ring.recoverSettle(source, this.#word(header + SLOT.ordinal), edge.leaves[source]![reference >>> 24]!, code);
    this.#clear(reference);
  }

  /** What a dead thread held: given up if it had just claimed it, else for others to do again. */
  #takeBack(reference: number, number: number, holder: number): void {
    if (number === 0) {
      this.#clear(reference);
      this.#did.undone++;
      return;
    }
    const edge = this.#byNumber.get(number)!;
    if (!edge.consumerThreads.includes(holder)) {
      this.#drop(edge, reference); // it had been taken out to make room
      return;
    }
    const slot = reference & SLOT_MASK;
    const attempts = this.#countDeath(reference);
    const ends = edge.handsOn && this.#endsSeries(slot);
    const isGivenUp = attempts >= edge.attempts && !(ends && attempts > edge.attempts);
    if (!isGivenUp || this.#options.isSettled?.(edge.number, reference)) {
      this.#lane(edge, reference);
      this.#did.redispatched++;
      this.#options.onRedispatch?.(edge.number, this.#recordsOf(slot), slot);
      return;
    }
    const header = this.#header(slot);
    const source = this.#word(header + SLOT.source);
    const ordinal = this.#word(header + SLOT.ordinal);
    this.#options.onLost?.({
      edge: edge.number,
      slot,
      source,
      ordinal: ordinal >>> 0,
      leaves: edge.leaves[source]![reference >>> 24]!,
      attempts,
      thread: holder,
      records: this.#recordsOf(slot),
      ends,
    });
    this.#did.lost++;
    // Its frames are given up; the end of the series goes on: whoever takes it next only hands it on.
    if (ends) this.#lane(edge, reference);
    else this.#settle(edge, reference, this.#options.lostCode);
  }

  /** Threads that died with a reference since it came over this edge, this one included. */
  #countDeath(reference: number): number {
    const place = this.#place(reference);
    const deaths = Math.min(deathsOf(place) + 1, PLACE.maxDeaths);
    this.#putPlace(reference, (place & ~PLACE.deathsMask) | (deaths << PLACE.deathsShift));
    return deaths;
  }

  /** Whether a series ends with a slot or what is chained behind it. */
  #endsSeries(first: number): boolean {
    for (let slot = first, left = this.#plan.slots; slot !== EMPTY && left > 0; left--) {
      const header = this.#header(slot);
      if (this.#word(header + SLOT.kind) & FLAGS.ends) return true;
      slot = this.#word(header + SLOT.next);
    }
    return false;
  }

  /** What a reference counts as: one, or the records of its parcels. */
  #recordsOf(first: number): number {
    let records = 0;
    for (let slot = first, left = this.#plan.slots; slot !== EMPTY && left > 0; left--) {
      const header = this.#header(slot);
      if ((this.#word(header + SLOT.kind) & FLAGS.parcel) === 0) return 1;
      records += this.#word(header + SLOT.count) & 0xffff;
      slot = this.#word(header + SLOT.next);
    }
    return records;
  }

  #lane(edge: CensusEdge, reference: number): void {
    const list = this.#toLane.get(edge);
    if (list) list.push(reference);
    else this.#toLane.set(edge, [reference]);
  }

  /** A slot without bits that is in no free ring and in no chain below a slot with bits is free. */
  #freeSlots(): void {
    const free = this.#freeNow(); // read last: what a policy dropped above is free already
    const reached = new Set<number>();
    const lost: number[] = [];
    for (let slot = 0; slot < this.#plan.slots; slot++) {
      const header = this.#header(slot);
      if (this.#word(header + SLOT.bits) === 0) continue;
      if (free.has(slot)) throw new CensusError(`slot ${slot} is free, and has bits`);
      for (
        let next = this.#word(header + SLOT.next);
        next !== EMPTY && !reached.has(next);
        next = this.#word(this.#header(next) + SLOT.next)
      )
        reached.add(next);
    }
    for (let slot = 0; slot < this.#plan.slots; slot++) {
      if (this.#word(this.#header(slot) + SLOT.bits) === 0 && !free.has(slot) && !reached.has(slot)) lost.push(slot);
    }
    for (const slot of lost) this.#ring.recoverFree(slot);
    this.#did.freed += lost.length;
  }

  /** Lanes are kept in rising order of ordinals by source: what is read first there is older than what the edge holds. */
  #fillLanes(): void {
    for (const [edge, added] of this.#toLane) {
      const all = [...added];
      for (let reference = this.#ring.recoverPop(edge.lane); reference !== EMPTY; reference = this.#ring.recoverPop(edge.lane))
        all.push(reference);
      const key = (reference: number, word: number): number => this.#word(this.#header(reference & SLOT_MASK) + word);
      all.sort((a, b) => key(a, SLOT.source) - key(b, SLOT.source) || (key(a, SLOT.ordinal) - key(b, SLOT.ordinal)) | 0);
      for (const reference of all) this.#ring.recoverPush(edge.lane, reference);
    }
  }

  /** A bit of a dead sleeper would swallow a wake-up. The living set theirs again: the supervisor wakes all of them. */
  #clearBells(): void {
    const bells = [
      ...this.#plan.edges.flatMap(({ itemBell, spaceBell }) => [itemBell, spaceBell]),
      ...this.#plan.pools.map(({ bell }) => bell),
      ...this.#plan.sources.map(({ bell }) => bell),
    ];
    for (const bell of bells) Atomics.store(this.#words, (bell + BELL.sleepers) >>> 2, 0);
  }

  /** Above all of its source that wait on the edge, or in its lane. */
  #isLast(edge: CensusEdge, source: number, ordinal: number): boolean {
    const isAbove = (reference: number): boolean => {
      const header = this.#header(reference & SLOT_MASK);
      return this.#word(header + SLOT.source) !== source || ((ordinal - this.#word(header + SLOT.ordinal)) | 0) > 0;
    };
    for (const [reference, on] of this.#onRing) if ((on === edge.number || on === edge.laneNumber) && !isAbove(reference)) return false;
    return (this.#toLane.get(edge) ?? []).every(isAbove);
  }

  #admits(edge: CensusEdge, source: number, ordinal: number): boolean {
    const cell = this.#cell(edge, source, ordinal);
    return this.#word(cell) === ordinal && this.#word(cell + 4) === EMPTY;
  }

  #array(edge: CensusEdge, source: number): number {
    return edge.ring + RING.cells + source * edge.arrayStride;
  }

  #cell(edge: CensusEdge, source: number, ordinal: number): number {
    return this.#array(edge, source) + ARRAY.cells + 8 * (ordinal & (edge.cells - 1));
  }

  #header(slot: number): number {
    return this.#plan.headers + slot * this.#plan.stride;
  }

  #place(reference: number): number {
    return this.#word(this.#header(reference & SLOT_MASK) - SLOT.place - 4 * (reference >>> 24));
  }

  #putPlace(reference: number, place: number): void {
    this.#put(this.#header(reference & SLOT_MASK) - SLOT.place - 4 * (reference >>> 24), place);
  }

  #isLive(reference: number): boolean {
    return ((this.#word(this.#header(reference & SLOT_MASK) + SLOT.bits) >>> (reference >>> 24)) & 1) === 1;
  }

  #clear(reference: number): void {
    const bits = this.#header(reference & SLOT_MASK) + SLOT.bits;
    this.#put(bits, this.#word(bits) & ~(1 << (reference >>> 24)));
  }

  #word(address: number): number {
    return this.#words[address >>> 2]!;
  }

  #put(address: number, value: number): void {
    this.#words[address >>> 2] = value;
  }
}

function nothingDone(): CensusResult {
  return { redispatched: 0, lost: 0, handedOver: 0, released: 0, dropped: 0, kept: 0, undone: 0, putBack: 0, freed: 0 };
}
