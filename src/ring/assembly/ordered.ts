// Ordered rings: one array a source, a cell goes {n, EMPTY} -> {n, ref} -> {n + window, EMPTY}.
import {
  ARRAY_CELLS, ARRAY_LEAF_MASK, CODE_LATEST, ENTRY_OPEN, RING_ARRAY_STRIDE, RING_CELLS, RING_EDGE, RING_ITEM_BELL, RING_MASK,
  RING_POLICY, RING_SPACE_BELL, SLOT_ORDINAL, SLOT_SOURCE,
} from './layout';
import { EMPTY, entryAt, headerOf, heldFrom, placeOf, pt, sourceAt } from './thread';
import { ring, ringAll } from './bells';
import { dropFrom } from './drops';
import { LATEST } from './policies';

@inline export function arrayAt(r: usize, source: u32): usize { return r + RING_CELLS + <usize>source * load<u32>(r, RING_ARRAY_STRIDE); }
// 1 put, 0 its cell is still an earlier ordinal's, 2 its cell is a later ordinal's already (a dropping edge went past it)
export function putOrdered(r: usize, ref: u32): i32 {
  const h = headerOf(ref), n = load<u32>(h, SLOT_ORDINAL), mask = load<u32>(r, RING_MASK), a = arrayAt(r, load<u32>(h, SLOT_SOURCE));
  const c = a + ARRAY_CELLS + (<usize>(n & mask) << 3), v = atomic.load<u64>(c), ahead = <i32>(<u32>v - n);
  if (ahead < 0) return 0;
  if (ahead > 0 || <u32>(v >> 32) != EMPTY) return 2;
  const place = placeOf(ref), was = load<u32>(place); pt(15);
  store<u32>(place, load<u32>(r, RING_EDGE)); pt(16);
  if (atomic.cmpxchg<u64>(c, v, (<u64>ref << 32) | <u64>n) == v) { pt(17); if (atomic.load<u32>(a) == n || load<u32>(r, RING_POLICY) == LATEST) ringAll(load<u32>(r, RING_ITEM_BELL)); return 1; } // publishes: the reference
  store<u32>(place, was);
  return 2;
}
// Who waits for the window is woken at every half of it. It waited for a position a whole window on, so one half is passed at least.
@inline export function passCell(r: usize, a: usize, n: u32): void { atomic.cmpxchg<u32>(a, n, n + 1); pt(26); if (((n + 1) & (load<u32>(r, RING_MASK) >> 1)) == 0) ringAll(load<u32>(r, RING_SPACE_BELL)); }
// May ordinal n be passed over? Its entry says that no leaf below this edge is open, or belongs to a later ordinal.
@inline export function settledBelow(a: usize, source: u32, n: u32): bool {
  const e = entryAt(sourceAt(source), n), at = <i32>(atomic.load<u32>(e) - n); // acquires: the ordinal first, then the bits
  if (at != 0) return at > 0;
  if ((atomic.load<u32>(e + ENTRY_OPEN) & load<u32>(a, ARRAY_LEAF_MASK)) == 0) return true;
  return atomic.load<u32>(e) != n; // were these the bits of the entry's next ordinal?
}
export function takeOrdered(r: usize, source: u32): u32 {
  const mask = load<u32>(r, RING_MASK), a = arrayAt(r, source);
  while (true) {
    const n = atomic.load<u32>(a), c = a + ARRAY_CELLS + (<usize>(n & mask) << 3), v = atomic.load<u64>(c), ref = <u32>(v >> 32);
    if (<u32>v != n) { atomic.cmpxchg<u32>(a, n, n + 1); continue; } // help
    if (ref == EMPTY) {
      if (!settledBelow(a, source, n)) return EMPTY;
      if (atomic.cmpxchg<u64>(c, v, (<u64>EMPTY << 32) | <u64>(n + mask + 1)) == v) passCell(r, a, n);
    } else if (atomic.cmpxchg<u64>(c, v, (<u64>EMPTY << 32) | <u64>(n + mask + 1)) == v) {
      pt(25); store<u32>(placeOf(ref), heldFrom(load<u32>(r, RING_EDGE))); passCell(r, a, n);
      // Another consumer may take the next one, and nobody rings for what was there before.
      if (<u32>(atomic.load<u64>(a + ARRAY_CELLS + (<usize>((n + 1) & mask) << 3)) >> 32) != EMPTY) ring(load<u32>(r, RING_ITEM_BELL));
      return ref;
    }
  }
}
// Moves a dropping array on by one: the oldest is dropped, or a hole is closed (who comes late is superseded).
export function forceOrdered(r: usize, source: u32, code: u32): void {
  const mask = load<u32>(r, RING_MASK), a = arrayAt(r, source), n = atomic.load<u32>(a), c = a + ARRAY_CELLS + (<usize>(n & mask) << 3), v = atomic.load<u64>(c), ref = <u32>(v >> 32);
  if (<u32>v != n) { atomic.cmpxchg<u32>(a, n, n + 1); return; }
  if (atomic.cmpxchg<u64>(c, v, (<u64>EMPTY << 32) | <u64>(n + mask + 1)) != v) return;
  if (ref != EMPTY) { store<u32>(placeOf(ref), heldFrom(load<u32>(r, RING_EDGE))); pt(27); }
  passCell(r, a, n);
  if (ref != EMPTY) dropFrom(r, ref, code); // settles, and so rings
  else if (<u32>(atomic.load<u64>(a + ARRAY_CELLS + (<usize>((n + 1) & mask) << 3)) >> 32) != EMPTY) ringAll(load<u32>(r, RING_ITEM_BELL)); // what stood behind the hole may be taken
}
// Closes the holes at the front of an array: ordinals that were dropped there, or ended elsewhere. A consumer passes over them when
// it takes; until then they would keep places of an edge that may be empty. Returns whether a place became free.
export function passHoles(r: usize, source: u32): bool {
  const mask = load<u32>(r, RING_MASK), a = arrayAt(r, source);
  let passed = false;
  while (true) {
    const n = atomic.load<u32>(a), c = a + ARRAY_CELLS + (<usize>(n & mask) << 3), v = atomic.load<u64>(c);
    if (<u32>v != n) { atomic.cmpxchg<u32>(a, n, n + 1); continue; } // help
    if (<u32>(v >> 32) != EMPTY || !settledBelow(a, source, n)) return passed;
    passed = true; // by this thread or by another
    if (atomic.cmpxchg<u64>(c, v, (<u64>EMPTY << 32) | <u64>(n + mask + 1)) != v) continue;
    passCell(r, a, n);
    if (<u32>(atomic.load<u64>(a + ARRAY_CELLS + (<usize>((n + 1) & mask) << 3)) >> 32) != EMPTY) ringAll(load<u32>(r, RING_ITEM_BELL)); // what stood behind the hole may be taken
  }
}
export function takeOrderedLatest(r: usize, source: u32): u32 {
  const mask = load<u32>(r, RING_MASK), a = arrayAt(r, source);
  while (true) {
    const n = atomic.load<u32>(a);
    let newest = n, found = false;
    for (let k: u32 = 0; k <= mask; k++) { const v = atomic.load<u64>(a + ARRAY_CELLS + (<usize>((n + k) & mask) << 3)); if (<u32>v == n + k && <u32>(v >> 32) != EMPTY) { newest = n + k; found = true; } }
    if (!found || newest == n) return takeOrdered(r, source);
    forceOrdered(r, source, CODE_LATEST);
  }
}
