// The thread that an instance of the module works for: where its words are, its numbered steps, and the gate.
import {
  BRANCH_SHIFT,
  ENTRY_BYTES,
  LINE_BUSY,
  LINE_FAULT_COUNTDOWN,
  LINE_FAULT_STEP,
  PLACE_DEATHS_MASK,
  PLACE_HOLDER_SHIFT,
  RING_LEAVES,
  SLOT_MASK,
  SLOT_PLACE,
  SLOT_SOURCE,
  SOURCE_BYTES,
  SOURCE_TABLE,
  SOURCE_TABLE_MASK,
} from './layout';

@external('env', 'die')
declare function die(step: i32): void;

/** True in the build with fault points (`ring.fault.wasm`), whose threads can be ended at a numbered step. */
const FAULT: bool = false;

/** Number of the thread. */
let threadNumber: u32 = 0;
/** Address of the line of the thread (LINE). */
export let threadLine: usize = 0;
/** Address of the gate. The supervisor writes it: 1 while the census runs. Every thread reads it. */
let gate: usize = 0;
/** The table of slot headers, and the distance between two headers. */
let headers: usize = 0;
let headerStride: usize = 0;
/** The blocks of the sources (SOURCE). */
let sourceBlocks: usize = 0;
/** The two banks of counters of the thread: a ledger (LEDGER) for an ingress, else BANK. */
export let counterBanks: usize = 0;
export let counterBankStride: usize = 0;
/** Whether the payload of a freed slot is overwritten, so that a test finds a reader that still uses it. */
export let poisonsFreedSlots: bool = false;

/** Binds the instance to a thread. Every other operation comes after it. */
export function attach(
  thread: u32,
  line: usize,
  gateAddress: usize,
  slotHeaders: usize,
  slotStride: usize,
  sources: usize,
  banks: usize,
  bankStride: usize,
  poison: u32,
): void {
  threadNumber = thread;
  threadLine = line;
  gate = gateAddress;
  headers = slotHeaders;
  headerStride = slotStride;
  sourceBlocks = sources;
  counterBanks = banks;
  counterBankStride = bankStride;
  poisonsFreedSlots = poison !== 0;
}

/** A point between two accesses to memory at which a thread can die. Without FAULT it compiles to nothing. */
@inline
export function step(number: i32): void {
  if (FAULT) {
    const countdown = load<i32>(threadLine, LINE_FAULT_COUNTDOWN);
    const only = load<i32>(threadLine, LINE_FAULT_STEP);
    if (countdown > 0 && (only === 0 || only === number)) {
      store<i32>(threadLine, countdown - 1, LINE_FAULT_COUNTDOWN);
      if (countdown === 1) die(number);
    }
  }
}

// ---- Addresses ------------------------------------------------------------------------------------------------------

/** Address of the header of a slot or of the slot of a reference (SLOT). */
@inline
export function headerOf(reference: u32): usize {
  return headers + <usize>(reference & SLOT_MASK) * headerStride;
}

/**
 * Address of the place word of a branch. Place words are below the header: the first six share a cache line with it.
 */
@inline
export function placeAt(header: usize, branch: u32): usize {
  return header - SLOT_PLACE - ((<usize>branch) << 2);
}

@inline
export function placeOf(reference: u32): usize {
  return placeAt(headerOf(reference), reference >> BRANCH_SHIFT);
}

/** Address of the block of a source. */
@inline
export function sourceAt(source: u32): usize {
  return sourceBlocks + <usize>source * SOURCE_BYTES;
}

/** Address of the settlement entry of an ordinal (ENTRY). `source`: address of the block. */
@inline
export function entryAt(source: usize, ordinal: u32): usize {
  const index = ordinal & load<u32>(source, SOURCE_TABLE_MASK);
  return <usize>load<u32>(source, SOURCE_TABLE) + <usize>index * ENTRY_BYTES;
}

/** The leaves below a ring that a reference serves: 32 words for each source, one for each branch. */
@inline
export function leavesOf(ring: usize, reference: u32): u32 {
  const table = <usize>load<u32>(ring, RING_LEAVES);
  const source = <usize>load<u32>(headerOf(reference), SLOT_SOURCE);
  const branch = <usize>(reference >> BRANCH_SHIFT);
  return load<u32>(table + (source << 7) + (branch << 2));
}

// ---- Place words ----------------------------------------------------------------------------------------------------

/** The place word of a reference that this thread took from an edge; edge 0: a slot that it claimed. */
@inline
export function heldFrom(edge: u32): u32 {
  return edge | ((threadNumber + 1) << PLACE_HOLDER_SHIFT);
}

/** The same for a reference from a lane, where the census counted the threads that died with it: the count stays. */
@inline
export function heldFromLane(place: usize, edge: u32): u32 {
  return heldFrom(edge) | (load<u32>(place) & PLACE_DEATHS_MASK);
}

// ---- The gate -------------------------------------------------------------------------------------------------------

/**
 * Begins an operation. False: the gate is closed, and the thread is outside. Busy is stored before the gate is read, so
 * that the supervisor, after it closed the gate and read busy as 0, knows that the thread is outside.
 */
@inline
export function enter(): bool {
  atomic.store<u32>(threadLine + LINE_BUSY, 1);
  step(1);
  if (atomic.load<u32>(gate) !== 0) {
    atomic.store<u32>(threadLine + LINE_BUSY, 0);
    return false;
  }
  return true;
}

/** Ends an operation. publishes: everything that the operation stored, to the census. */
@inline
export function leave(): void {
  step(2);
  atomic.store<u32>(threadLine + LINE_BUSY, 0);
  step(3);
}
