// The thread that this instance is bound to: its state, addresses that follow from it, numbered steps, and the gate.
import {
  LINE_BUSY, LINE_FAULT_COUNTDOWN, LINE_FAULT_STEP, RING_LEAVES, SLOT_PLACE, SLOT_SOURCE, SOURCE_TABLE, SOURCE_TABLE_MASK,
} from './layout';

// @ts-ignore
@external("env", "die") declare function die(step: i32): void;
const FAULT: bool = false;

export const EMPTY: u32 = 0xFFFFFFFF;
const ENTRY_BYTES: usize = 32, SOURCE_BYTES: usize = 1024;

export let TID: u32 = 0, T: usize = 0, GATE: usize = 0, SLOTS: usize = 0, STRIDE: usize = 0, SOURCES: usize = 0, BANKS: usize = 0, BANK_STRIDE: usize = 0, POISON: bool = false;

/** Binds the instance to a thread: its number and line, the gate, the slot headers, the source blocks, its two banks of counters. */
export function attach(tid: u32, line: usize, gate: usize, slots: usize, stride: usize, sources: usize, banks: usize, bankStride: usize, poison: u32): void {
  TID = tid; T = line; GATE = gate; SLOTS = slots; STRIDE = stride; SOURCES = sources; BANKS = banks; BANK_STRIDE = bankStride; POISON = poison != 0;
}
@inline export function pt(step: i32): void {
  if (FAULT) { const n = load<i32>(T, LINE_FAULT_COUNTDOWN), only = load<i32>(T, LINE_FAULT_STEP); if (n > 0 && (only == 0 || only == step)) { store<i32>(T, n - 1, LINE_FAULT_COUNTDOWN); if (n == 1) die(step); } }
}
@inline export function headerOf(ref: u32): usize { return SLOTS + <usize>(ref & 0xFFFFFF) * STRIDE; }
// Place words lie below the header, downwards: the first six share a cache line with the bits.
@inline export function placeAt(header: usize, branch: u32): usize { return header - SLOT_PLACE - (<usize>branch << 2); }
@inline export function placeOf(ref: u32): usize { return placeAt(headerOf(ref), ref >> 24); }
@inline export function heldFrom(edge: u32): u32 { return edge | ((TID + 1) << 16); }
// The high byte counts the threads that died with the reference since it came over this edge: what the census writes into a lane, and a push begins anew.
@inline export function heldFromLane(place: usize, edge: u32): u32 { return heldFrom(edge) | (load<u32>(place) & 0xFF000000); }
@inline export function sourceAt(source: u32): usize { return SOURCES + <usize>source * SOURCE_BYTES; }
@inline export function entryAt(source: usize, ordinal: u32): usize { return <usize>load<u32>(source, SOURCE_TABLE) + <usize>(ordinal & load<u32>(source, SOURCE_TABLE_MASK)) * ENTRY_BYTES; }
@inline export function leavesOf(r: usize, ref: u32): u32 { return load<u32>(<usize>load<u32>(r, RING_LEAVES) + (<usize>load<u32>(headerOf(ref), SLOT_SOURCE) << 7) + (<usize>(ref >> 24) << 2)); }

// Busy first, then the gate: whoever closes the gate and then sees busy 0 knows that this thread is outside.
@inline export function enter(): bool {
  atomic.store<u32>(T + LINE_BUSY, 1); pt(1);
  if (atomic.load<u32>(GATE) != 0) { atomic.store<u32>(T + LINE_BUSY, 0); return false; }
  return true;
}
@inline export function leave(): void { pt(2); atomic.store<u32>(T + LINE_BUSY, 0); pt(3); }
