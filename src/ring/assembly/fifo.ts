// FIFO rings: bounded cells with positions, {n, EMPTY} -> {n, ref} -> {n + cells, EMPTY}.
import {
  LINE_BATCH, RING_CELLS, RING_EDGE, RING_FIRST_SLOT, RING_ITEM_BELL, RING_LIMIT, RING_MASK, RING_PAYLOADS, RING_SLOT_BYTES,
  RING_SPACE_BELL, RING_TAIL,
} from './layout';
import { EMPTY, T, heldFrom, heldFromLane, placeOf, pt } from './thread';
import { ring, wakeOne } from './bells';

/** Position of the reference that this thread popped last. */
export let POPPED: u32 = 0;
/** Sum of what was touched, so that the loads are kept. */
let TOUCHED: u32 = 0;

// 1 pushed, 0 full. The place word says ON before the cell is published; on full it says again what it said.
export function pushCell(r: usize, ref: u32): i32 {
  const mask = load<u32>(r, RING_MASK), limit = load<u32>(r, RING_LIMIT), place = placeOf(ref);
  let was: u32 = 0, stored = false;
  while (true) {
    const t = atomic.load<u32>(r + RING_TAIL), c = r + RING_CELLS + (<usize>(t & mask) << 3), v = atomic.load<u64>(c); // acquires: the cell
    const ahead = <i32>(<u32>v - t);
    if (ahead == 0 && <u32>(v >> 32) == EMPTY) {
      if (limit <= mask) { // a limit below the cells: full when the reference that many positions back is still there
        const p = t - limit, w = atomic.load<u64>(r + RING_CELLS + (<usize>(p & mask) << 3));
        if (<u32>w == p && <u32>(w >> 32) != EMPTY) { if (stored) store<u32>(place, was); return 0; }
      }
      if (!stored) { was = load<u32>(place); pt(10); store<u32>(place, load<u32>(r, RING_EDGE)); stored = true; pt(11); }
      if (atomic.cmpxchg<u64>(c, v, (<u64>ref << 32) | <u64>t) == v) { // publishes: the reference and all that was written before
        pt(12); store<u32>(r, t + 1, RING_TAIL); pt(13);
        ring(load<u32>(r, RING_ITEM_BELL));
        return 1;
      }
    } else if (ahead < 0) { if (stored) store<u32>(place, was); return 0; }
    else { pt(14); atomic.cmpxchg<u32>(r + RING_TAIL, t, t + 1); }
  }
}
export function popCell(r: usize): u32 {
  const mask = load<u32>(r, RING_MASK);
  while (true) {
    const h = atomic.load<u32>(r), c = r + RING_CELLS + (<usize>(h & mask) << 3), v = atomic.load<u64>(c), ref = <u32>(v >> 32);
    if (<u32>v == h) {
      if (ref == EMPTY) return EMPTY;
      pt(20);
      if (atomic.cmpxchg<u64>(c, v, (<u64>EMPTY << 32) | <u64>(h + mask + 1)) == v) { pt(21); store<u32>(r, h + 1); pt(22); POPPED = h; return ref; }
    } else { pt(23); atomic.cmpxchg<u32>(r, h, h + 1); }
  }
}
// A producer that found the ring full is woken when half of it is free: woken for each place, it would sleep once a frame.
// Counted from the position that was popped, not from the head, which lags: whoever takes the last reference counts none.
@inline export function ringHalfEmpty(r: usize): void {
  const bell = <usize>load<u32>(r, RING_SPACE_BELL), mask = atomic.load<u32>(bell);
  if (mask != 0 && <i32>(atomic.load<u32>(r + RING_TAIL) - POPPED - 1) <= <i32>(load<u32>(r, RING_LIMIT) >> 1)) wakeOne(bell, mask);
}
// Reads the payload's first line while the place word is still on its way: two misses at a time, and the reader finds it there.
@inline export function touch(r: usize, ref: u32): void {
  TOUCHED += load<u32>(<usize>load<u32>(r, RING_PAYLOADS) + <usize>((ref & 0xFFFFFF) - load<u32>(r, RING_FIRST_SLOT)) * <usize>load<u32>(r, RING_SLOT_BYTES));
}
@inline export function takeFifo(r: usize): u32 {
  const ref = popCell(r);
  if (ref != EMPTY) { store<u32>(placeOf(ref), heldFrom(load<u32>(r, RING_EDGE))); pt(24); touch(r, ref); ringHalfEmpty(r); }
  return ref;
}
// From a lane: what it says of the dead stays.
export function takeLane(r: usize): u32 {
  const ref = popCell(r);
  if (ref != EMPTY) { const place = placeOf(ref); store<u32>(place, heldFromLane(place, load<u32>(r, RING_EDGE))); pt(24); ringHalfEmpty(r); }
  return ref;
}
export function takeLaneBatch(r: usize, n: i32): i32 {
  let i = 0;
  for (; i < n; i++) { const ref = takeLane(r); if (ref == EMPTY) break; store<u32>(T + LINE_BATCH + (<usize>i << 2), ref); }
  return i;
}

// The cells first, then the place words: their stores miss the cache, and a compare-exchange between them would wait for each.
export function takeBatch(r: usize, from: i32, n: i32): i32 {
  let i = from;
  for (; i < n; i++) { const ref = popCell(r); if (ref == EMPTY) break; store<u32>(T + LINE_BATCH + (<usize>i << 2), ref); }
  if (i == from) return i;
  const held = heldFrom(load<u32>(r, RING_EDGE));
  for (let k = from; k < i; k++) { const ref = load<u32>(T + LINE_BATCH + (<usize>k << 2)); store<u32>(placeOf(ref), held); pt(24); touch(r, ref); }
  ringHalfEmpty(r);
  return i;
}
