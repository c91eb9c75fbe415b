// Slots: claimed from the free ring of their pool, owned by bits, and freed by the thread that clears the last bit.
//
// bits: one for each live reference of the slot. The exclusive holder sets them; each holder of a reference clears its
// own. The free ring holds slot numbers. A slot without bits is free, so that no place word says so.

import { cellAt, cellWith, positionOf, referenceOf } from './cell';
import { popCell } from './fifo';
import {
  BRANCH_SHIFT,
  EMPTY,
  RING_CELLS,
  RING_ITEM_BELL,
  RING_MASK,
  RING_TAIL,
  SLOT_CAPACITY,
  SLOT_MASK,
  SLOT_NEXT,
  SLOT_PAYLOAD,
  SLOT_POOL,
} from './layout';
import { headerOf, heldFrom, placeAt, poisonsFreedSlots, step } from './thread';
import { wake } from './wake';

/** Byte that the payload of a freed slot is filled with, if the plan asks for it. */
const POISON_BYTE: u8 = 0xde;

/** Claims a slot, or returns EMPTY. */
@inline
export function claimFrom(pool: usize): u32 {
  const slot = popCell(pool);
  if (slot !== EMPTY) own(slot);
  return slot;
}

/** Makes this thread the holder of a slot that it popped from the free ring, by branch 0. */
@inline
export function own(slot: u32): void {
  const header = headerOf(slot);
  step(50);
  store<u32>(header, EMPTY, SLOT_NEXT);
  store<u32>(placeAt(header, 0), heldFrom(0));
  step(51);
  store<u32>(header, 1);
  step(52);
}

/**
 * Gives back a reference that this thread holds. The thread that clears the last bit frees the slot and the chain
 * behind it; it reads each link before it frees the slot that has it.
 */
@inline
export function dropBit(reference: u32): void {
  const header = headerOf(reference);
  const bit: u32 = 1 << (reference >> BRANCH_SHIFT);
  step(40);
  // Only a holder can add a bit: if there is one bit, no other thread writes the word, and a plain store is enough.
  let isLast = atomic.load<u32>(header) === bit;
  if (isLast) store<u32>(header, 0);
  else isLast = atomic.and<u32>(header, ~bit) === bit;
  if (isLast) {
    step(41);
    let slot = reference & SLOT_MASK;
    do {
      const next = load<u32>(headerOf(slot), SLOT_NEXT);
      freeSlot(slot);
      slot = next;
    } while (slot !== EMPTY);
  }
  step(42);
}

/** Puts a slot without bits on the free ring of its pool, which has a cell for every slot and so is never full. */
export function freeSlot(slot: u32): void {
  const header = headerOf(slot);
  const ring = <usize>load<u32>(header, SLOT_POOL);
  const mask = load<u32>(ring, RING_MASK);
  if (poisonsFreedSlots) memory.fill(load<u32>(header, SLOT_PAYLOAD), POISON_BYTE, load<u32>(header, SLOT_CAPACITY));
  while (true) {
    const tail = atomic.load<u32>(ring + RING_TAIL);
    const cell = cellAt(ring + RING_CELLS, tail, mask);
    const seen = atomic.load<u64>(cell);
    if (positionOf(seen) === tail && referenceOf(seen) === EMPTY) {
      // The cell waits for this position. publishes: the slot, to the thread that claims it
      if (atomic.cmpxchg<u64>(cell, seen, cellWith(tail, slot)) === seen) {
        step(43);
        store<u32>(ring, tail + 1, RING_TAIL);
        wake(load<u32>(ring, RING_ITEM_BELL));
        return;
      }
    } else {
      // The tail is behind: another thread freed a slot at this position.
      atomic.cmpxchg<u32>(ring + RING_TAIL, tail, tail + 1);
    }
  }
}
