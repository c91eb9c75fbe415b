// Slots: claimed from the free ring of their pool, owned, and given back by whoever clears the last bit.
import {
  RING_CELLS, RING_ITEM_BELL, RING_MASK, RING_TAIL, SLOT_CAPACITY, SLOT_NEXT, SLOT_PAYLOAD, SLOT_POOL,
} from './layout';
import { EMPTY, POISON, headerOf, heldFrom, placeAt, pt } from './thread';
import { ring } from './bells';
import { popCell } from './fifo';

// The free ring holds slot numbers; bits == 0 is the whole truth about them, so no place word is kept.
export function freeSlot(slot: u32): void {
  const h = headerOf(slot), r = <usize>load<u32>(h, SLOT_POOL), mask = load<u32>(r, RING_MASK);
  if (POISON) memory.fill(load<u32>(h, SLOT_PAYLOAD), 0xDE, load<u32>(h, SLOT_CAPACITY));
  while (true) {
    const t = atomic.load<u32>(r + RING_TAIL), c = r + RING_CELLS + (<usize>(t & mask) << 3), v = atomic.load<u64>(c);
    if (<u32>v == t && <u32>(v >> 32) == EMPTY) {
      if (atomic.cmpxchg<u64>(c, v, (<u64>slot << 32) | <u64>t) == v) { pt(43); store<u32>(r, t + 1, RING_TAIL); ring(load<u32>(r, RING_ITEM_BELL)); return; }
    } else atomic.cmpxchg<u32>(r + RING_TAIL, t, t + 1);
  }
}
// Whoever clears the last bit frees the slot and the chain behind it, reading each link before the slot is given away.
@inline export function dropBit(ref: u32): void {
  const h = headerOf(ref), bit: u32 = 1 << (ref >> 24);
  pt(40);
  let last = atomic.load<u32>(h) == bit; // nobody else holds it, and only a holder could add a bit
  if (last) store<u32>(h, 0); else last = atomic.and<u32>(h, ~bit) == bit;
  if (last) {
    pt(41);
    let slot = ref & 0xFFFFFF;
    do { const next = load<u32>(headerOf(slot), SLOT_NEXT); freeSlot(slot); slot = next; } while (slot != EMPTY);
  }
  pt(42);
}
@inline export function own(slot: u32): void {
  const h = headerOf(slot);
  pt(50); store<u32>(h, EMPTY, SLOT_NEXT); store<u32>(placeAt(h, 0), heldFrom(0)); pt(51); store<u32>(h, 1); pt(52);
}
@inline export function claimFrom(pool: usize): u32 { const slot = popCell(pool); if (slot != EMPTY) own(slot); return slot; }
