// Ring, slot, commit and settlement operations over the arena. One instance a thread; every word is little-endian.
//
// The algorithms and who writes each word: ../README.md. Offsets: ../ring-layout.ts, the same numbers (a test compares them).
// Claiming and publishing are one compare-exchange, so a thread that dies anywhere leaves no hole, and what it held can be decided.
// What only the census reads (place words, the record once it is done, the bits of a slot that is on no ring yet) is stored
// plainly: the census comes after the thread left its call, or ended, and either makes all of it visible.
// FAULT builds call die(step) at every numbered step pt(step), so that a test can end a thread there.
// This file is what threads call; each mechanism has a file of its own: ./thread.ts (state, steps, gate), bells, fifo, ordered,
// slots, settlement, drops, hand-over, ledger, banks.
// Results: a reference or a count, -1 nothing there, -2 the gate is closed and nothing was done.
import {
  LINE_BATCH, LINE_INPUTS, LINE_OUTPUTS, LINE_RECORD, LINE_SETTLEMENTS, RING_CELLS, RING_EDGE, RING_KIND, RING_LANE, RING_MASK,
  RING_POLICY, RING_TAIL, SLOT_NEXT, SLOT_PAYLOAD,
} from './layout';
import { EMPTY, T, enter, headerOf, heldFrom, leave, placeAt, placeOf, pt } from './thread';
import { ringAll } from './bells';
import { popCell, pushCell, takeBatch, takeLaneBatch } from './fifo';
import { claimFrom, dropBit, freeSlot, own } from './slots';
import { settle, settleEach } from './settlement';
import { dropFrom } from './drops';
import { bankOf } from './banks';
import { finish, give, takeAny } from './hand-over';
import { FIFO, LATEST } from './policies';
export * from './layout';
export { attach } from './thread';
export { commitFrame, refuse, sweep } from './ledger';

const BANK_FRAMES: usize = 0, BANK_OUTPUTS: usize = 4, BANK_BYTES: usize = 8, BANK_DROPS: usize = 16;

// ---- what threads call --------------------------------------------------------------------------------------------------------
export function claim(pool: usize): i32 { if (!enter()) return -2; const k = claimFrom(pool); leave(); return <i32>k; }
/** Up to n slots into the batch of the line. As in takeBatch, cells first; the store fetches the payload's first line for who will write it. */
export function claimN(pool: usize, n: i32): i32 {
  if (!enter()) return -2;
  let i = 0;
  for (; i < n; i++) { const slot = popCell(pool); if (slot == EMPTY) break; store<u32>(T + LINE_BATCH + (<usize>i << 2), slot); }
  for (let k = 0; k < i; k++) { const slot = load<u32>(T + LINE_BATCH + (<usize>k << 2)); own(slot); if (i > 1) store<u32>(<usize>load<u32>(headerOf(slot), SLOT_PAYLOAD), 0); }
  leave(); return i;
}
/** Gives back a reference that this thread holds: a slot claimed and not used. */
export function release(ref: u32): i32 { if (!enter()) return -2; dropBit(ref); leave(); return 1; }
export function take(r: usize, from: u32): i32 { if (!enter()) return -2; const k = takeAny(r, from); leave(); return <i32>k; }
/** Up to n references into the batch of the line. */
export function takeN(r: usize, from: u32, n: i32): i32 {
  if (!enter()) return -2;
  let i = 0;
  if (load<u32>(r, RING_KIND) == FIFO && load<u32>(r, RING_POLICY) != LATEST) {
    const lane = <usize>load<u32>(r, RING_LANE);
    if (lane) i = takeLaneBatch(lane, n);
    i = takeBatch(r, i, n);
  }
  else for (; i < n; i++) { const k = takeAny(r, from); if (k == EMPTY) break; store<u32>(T + LINE_BATCH + (<usize>i << 2), k); }
  leave(); return i;
}
/** Gives a slot that this thread holds by branch 0 (just claimed) the branches of a mask: place words first, then the bits. */
export function fanClaimed(slot: u32, branches: u32): i32 {
  if (!enter()) return -2;
  const h = headerOf(slot);
  for (let m = branches; m; m &= m - 1) store<u32>(placeAt(h, ctz(m)), heldFrom(0));
  pt(63); store<u32>(h, branches); pt(64); leave(); return 1;
}
/** Ends a reference that this thread holds, taken from ring r, on the leaves that it serves; by the record of drops, whatever the other record is at. */
export function dropHeld(r: usize, ref: u32, code: u32): i32 { if (!enter()) return -2; dropFrom(r, ref, code); leave(); return 1; }
/** Chains a slot that this thread has claimed behind another: it has no bits of its own any more. Inside the gate: a census between the two stores would see it nowhere. */
export function link(previous: u32, slot: u32): i32 {
  if (!enter()) return -2;
  store<u32>(headerOf(previous), slot, SLOT_NEXT); pt(53); atomic.store<u32>(headerOf(slot), 0); leave(); return 1;
}
/** Adds branches to a slot of which this thread holds a reference. */
export function fanHeld(ref: u32, branches: u32): i32 {
  if (!enter()) return -2;
  const h = headerOf(ref);
  for (let m = branches; m; m &= m - 1) store<u32>(placeAt(h, ctz(m)), heldFrom(0));
  pt(65); atomic.or<u32>(h, branches); pt(66); leave(); return 1;
}
/** Commit of a worker or sink: inputs, outputs and settlements stand in the line. Returns how many outputs were handed over (fewer: wait for room, then resume), or -2 before the commit. */
export function commit(inputs: i32, outputs: i32, settlements: i32, frames: u32, bytes: u32): i32 {
  if (!enter()) return -2;
  store<i32>(T, inputs, LINE_INPUTS); store<i32>(T, outputs, LINE_OUTPUTS); store<i32>(T, settlements, LINE_SETTLEMENTS); pt(70);
  const w = load<u32>(T, LINE_RECORD), idle = bankOf(w + 2), live = bankOf(w);
  store<u32>(idle, load<u32>(live, BANK_FRAMES) + frames, BANK_FRAMES); store<u32>(idle, load<u32>(live, BANK_OUTPUTS) + outputs, BANK_OUTPUTS); store<u64>(idle, load<u64>(live, BANK_BYTES) + <u64>bytes, BANK_BYTES); pt(71);
  atomic.store<u32>(T + LINE_RECORD, (w + 2) | 1); pt(72); // publishes: the whole commit
  return finish(0);
}
export function resume(from: i32): i32 { if (!enter()) return -2; return finish(from); }
// ---- for the census alone: the gate is closed and nobody is inside ----------------------------------------------------------
/** 1 handed over or dropped by the edge's policy, 0 there is no room. */
export function recoverGive(r: usize, ref: u32): i32 { return give(r, ref); }
/** Puts a reference at the tail, whatever the limit says: there are cells for every slot that can come. The count of the dead stays. */
export function recoverPush(r: usize, ref: u32): void { const place = placeOf(ref); store<u32>(place, load<u32>(r, RING_EDGE) | (load<u32>(place) & 0xFF000000)); barePush(r, ref); }
export function recoverPop(r: usize): i32 { return <i32>popCell(r); }
export function recoverSettle(source: u32, ordinal: u32, leaves: u32, code: u32): void { settle(source, ordinal, leaves, code); }
export function recoverSettleEach(source: u32, ordinal: u32, leaves: u32, from: u32): void { settleEach(source, ordinal, leaves, from); }
export function recoverFree(slot: u32): void { freeSlot(slot); }
/** Rings a bell for everybody who sleeps on it. */
export function wakeAll(bell: usize): void { ringAll(bell); }
// ---- for benches: the ring without gate and place words, and the gate alone -----------------------------------------------------
export function barePush(r: usize, ref: u32): i32 {
  const mask = load<u32>(r, RING_MASK);
  while (true) {
    const t = atomic.load<u32>(r + RING_TAIL), c = r + RING_CELLS + (<usize>(t & mask) << 3), v = atomic.load<u64>(c), ahead = <i32>(<u32>v - t);
    if (ahead == 0 && <u32>(v >> 32) == EMPTY) { if (atomic.cmpxchg<u64>(c, v, (<u64>ref << 32) | <u64>t) == v) { atomic.cmpxchg<u32>(r + RING_TAIL, t, t + 1); return 1; } }
    else if (ahead < 0) return 0; else atomic.cmpxchg<u32>(r + RING_TAIL, t, t + 1);
  }
}
export function barePop(r: usize): i32 { return <i32>popCell(r); }
/** Batches, for tests and benches: references of the batch pushed (as outputs without a record); the batch released. */
export function pushN(r: usize, n: i32): i32 { if (!enter()) return -2; let i = 0; for (; i < n; i++) if (!pushCell(r, load<u32>(T + LINE_BATCH + (<usize>i << 2)))) break; leave(); return i; }
export function releaseN(n: i32): i32 { if (!enter()) return -2; for (let i = 0; i < n; i++) dropBit(load<u32>(T + LINE_BATCH + (<usize>i << 2))); leave(); return n; }
