import { FLAGS, SLOT } from '../frame/slot-layout.js';
import type { CensusEdge, CensusPlan } from './census-types.js';
import { ARRAY, EMPTY, PLACE, RING, SLOT_MASK } from './ring-layout.js';

export const holderOf = (place: number): number => ((place >>> PLACE.holderShift) & PLACE.holderMask) - 1;
export const edgeOf = (place: number): number => place & PLACE.edgeMask;
const deathsOf = (place: number): number => place >>> PLACE.deathsShift;

/** The words that the census reads and writes, by what they are. Plain accesses: the gate is closed, and no thread is inside. */
export class CensusMemory {
  readonly #words: Int32Array;
  readonly #plan: CensusPlan;

  constructor(memory: WebAssembly.Memory, plan: CensusPlan) {
    this.#words = new Int32Array(memory.buffer);
    this.#plan = plan;
  }

  /** The references in some cells. */
  *cells(cells: number, count: number): Generator<number> {
    for (let i = 0; i < count; i++) {
      const reference = this.word(cells + 8 * i + 4);
      if (reference !== EMPTY) yield reference;
    }
  }

  /** Counts one more death with a reference since it came over its edge. Returns the count. */
  countDeath(reference: number): number {
    const place = this.place(reference);
    const deaths = Math.min(deathsOf(place) + 1, PLACE.maxDeaths);
    this.putPlace(reference, (place & ~PLACE.deathsMask) | (deaths << PLACE.deathsShift));
    return deaths;
  }

  /** Whether a series ends with a slot or its chain. */
  endsSeries(first: number): boolean {
    for (let slot = first, left = this.#plan.slots; slot !== EMPTY && left > 0; left--) {
      const header = this.header(slot);
      if (this.word(header + SLOT.kind) & FLAGS.ends) return true;
      slot = this.word(header + SLOT.next);
    }
    return false;
  }

  /** What a slot and its chain count as: one, or the records of the parcels. */
  recordsOf(first: number): number {
    let records = 0;
    for (let slot = first, left = this.#plan.slots; slot !== EMPTY && left > 0; left--) {
      const header = this.header(slot);
      if ((this.word(header + SLOT.kind) & FLAGS.parcel) === 0) return 1;
      records += this.word(header + SLOT.count) & 0xffff;
      slot = this.word(header + SLOT.next);
    }
    return records;
  }

  /** Address of the array of a source in an ordered edge. */
  array(edge: CensusEdge, source: number): number {
    return edge.ring + RING.cells + source * edge.arrayStride;
  }

  /** Address of the cell of an ordinal in an ordered edge. */
  cell(edge: CensusEdge, source: number, ordinal: number): number {
    return this.array(edge, source) + ARRAY.cells + 8 * (ordinal & (edge.cells - 1));
  }

  header(slot: number): number {
    return this.#plan.headers + slot * this.#plan.stride;
  }

  /** The place word of a reference (PLACE). */
  place(reference: number): number {
    return this.word(this.header(reference & SLOT_MASK) - SLOT.place - 4 * (reference >>> 24));
  }

  putPlace(reference: number, place: number): void {
    this.put(this.header(reference & SLOT_MASK) - SLOT.place - 4 * (reference >>> 24), place);
  }

  isLive(reference: number): boolean {
    return ((this.word(this.header(reference & SLOT_MASK) + SLOT.bits) >>> (reference >>> 24)) & 1) === 1;
  }

  /** Clears the bit of a reference. Slots without bits are freed at the end of the census. */
  clear(reference: number): void {
    const bits = this.header(reference & SLOT_MASK) + SLOT.bits;
    this.put(bits, this.word(bits) & ~(1 << (reference >>> 24)));
  }

  word(address: number): number {
    return this.#words[address >>> 2]!;
  }

  put(address: number, value: number): void {
    this.#words[address >>> 2] = value;
  }

  /** Stores a word that live threads read while the gate is closed. */
  publish(address: number, value: number): void {
    Atomics.store(this.#words, address >>> 2, value);
  }
}
