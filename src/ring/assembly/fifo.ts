// FIFO rings: a bounded queue for many producers and many consumers, after Dmitry Vyukov's. ./cell.ts has the states of
// a cell. Claiming a position and publishing its reference are one compare-exchange, so that a thread that dies leaves
// no hole.
//
// head, tail: hints of the next position to pop and to push. The thread that moved a cell stores the position after it,
// plainly, so that a hint may also go back; a thread that finds a hint behind the cells adds 1 by compare-exchange. A
// hint is never ahead of the cells.

import { cellAt, cellWaitingFor, cellWith, positionOf, referenceOf } from './cell';
import {
  EMPTY,
  LINE_BATCH,
  RING_CELLS,
  RING_EDGE,
  RING_FIRST_SLOT,
  RING_HEAD,
  RING_ITEM_BELL,
  RING_LIMIT,
  RING_MASK,
  RING_PAYLOADS,
  RING_SLOT_BYTES,
  RING_SPACE_BELL,
  RING_TAIL,
  SLOT_MASK,
} from './layout';
import { heldFrom, heldFromLane, placeOf, step, threadLine } from './thread';
import { wake, wakeOneOf } from './wake';

/** Results of a push. */
export const FULL: i32 = 0;
export const PUSHED: i32 = 1;

/** Position of the reference that this thread popped last. */
let poppedPosition: u32 = 0;
/** Sum of the words that `touchPayload` read, so that the compiler keeps the loads. */
// biome-ignore lint/correctness/noUnusedVariables: it is written, so that the loads stay
let touched: u32 = 0;

/**
 * Pushes a reference that this thread holds. The place word becomes ON the edge before the cell is published. When the
 * ring is full, the place word gets back what it was.
 */
export function pushCell(ring: usize, reference: u32): i32 {
  const mask = load<u32>(ring, RING_MASK);
  const limit = load<u32>(ring, RING_LIMIT);
  const place = placeOf(reference);
  let placeBefore: u32 = 0;
  let placeStored = false;
  while (true) {
    const tail = atomic.load<u32>(ring + RING_TAIL);
    const cell = cellAt(ring + RING_CELLS, tail, mask);
    const seen = atomic.load<u64>(cell); // acquires: the cell
    const ahead = <i32>(positionOf(seen) - tail);
    if (ahead === 0 && referenceOf(seen) === EMPTY) {
      // The cell waits for this position.
      if (limit <= mask && hasReference(ring, tail - limit, mask)) {
        // Full: the limit is below the number of cells, and the reference that many positions back is still there.
        if (placeStored) store<u32>(place, placeBefore);
        return FULL;
      }
      if (!placeStored) {
        placeBefore = load<u32>(place);
        step(10);
        store<u32>(place, load<u32>(ring, RING_EDGE));
        placeStored = true;
        step(11);
      }
      // publishes: the reference, and everything that was written before
      if (atomic.cmpxchg<u64>(cell, seen, cellWith(tail, reference)) === seen) {
        step(12);
        store<u32>(ring, tail + 1, RING_TAIL);
        step(13);
        wake(load<u32>(ring, RING_ITEM_BELL));
        return PUSHED;
      }
      // Another thread changed the cell: try again.
    } else if (ahead < 0) {
      // Full: the cell still has the reference of the last round.
      if (placeStored) store<u32>(place, placeBefore);
      return FULL;
    } else {
      // The tail is behind: another thread pushed at this position.
      step(14);
      atomic.cmpxchg<u32>(ring + RING_TAIL, tail, tail + 1);
    }
  }
}

/** Whether the reference of a position is still in its cell. */
@inline
function hasReference(ring: usize, position: u32, mask: u32): bool {
  const seen = atomic.load<u64>(cellAt(ring + RING_CELLS, position, mask));
  return positionOf(seen) === position && referenceOf(seen) !== EMPTY;
}

/** Pops the oldest reference, or returns EMPTY. The place word is the caller's to store. */
export function popCell(ring: usize): u32 {
  const mask = load<u32>(ring, RING_MASK);
  while (true) {
    const head = atomic.load<u32>(ring + RING_HEAD);
    const cell = cellAt(ring + RING_CELLS, head, mask);
    const seen = atomic.load<u64>(cell); // acquires: the reference, and everything that was written before its push
    const reference = referenceOf(seen);
    if (positionOf(seen) === head) {
      // Empty: the cell waits for this position.
      if (reference === EMPTY) return EMPTY;
      step(20);
      if (atomic.cmpxchg<u64>(cell, seen, cellWaitingFor(head + mask + 1)) === seen) {
        step(21);
        store<u32>(ring, head + 1, RING_HEAD);
        step(22);
        poppedPosition = head;
        return reference;
      }
      // Another thread took the reference: try again.
    } else {
      // The head is behind: another thread popped this position.
      step(23);
      atomic.cmpxchg<u32>(ring + RING_HEAD, head, head + 1);
    }
  }
}

/** Takes the oldest reference, or returns EMPTY. */
@inline
export function takeFifo(ring: usize): u32 {
  const reference = popCell(ring);
  if (reference !== EMPTY) {
    store<u32>(placeOf(reference), heldFrom(load<u32>(ring, RING_EDGE)));
    step(24);
    touchPayload(ring, reference);
    wakeProducer(ring);
  }
  return reference;
}

/** Takes from a lane. The count of deaths in the place word stays. */
export function takeLane(lane: usize): u32 {
  const reference = popCell(lane);
  if (reference !== EMPTY) {
    const place = placeOf(reference);
    store<u32>(place, heldFromLane(place, load<u32>(lane, RING_EDGE)));
    step(24);
    wakeProducer(lane);
  }
  return reference;
}

/** Takes up to `atMost` references from a lane into the batch of the line. Returns how many. */
export function takeLaneBatch(lane: usize, atMost: i32): i32 {
  let count = 0;
  for (; count < atMost; count++) {
    const reference = takeLane(lane);
    if (reference === EMPTY) break;
    store<u32>(batchAt(count), reference);
  }
  return count;
}

/**
 * Takes references into the batch of the line, from index `from` up to `atMost`. Returns the number in the batch. All
 * cells come first, then the place words: their stores miss the cache, and a compare-exchange would wait for each.
 */
export function takeBatch(ring: usize, from: i32, atMost: i32): i32 {
  let count = from;
  for (; count < atMost; count++) {
    const reference = popCell(ring);
    if (reference === EMPTY) break;
    store<u32>(batchAt(count), reference);
  }
  if (count === from) return count;
  const held = heldFrom(load<u32>(ring, RING_EDGE));
  for (let index = from; index < count; index++) {
    const reference = load<u32>(batchAt(index));
    store<u32>(placeOf(reference), held);
    step(24);
    touchPayload(ring, reference);
  }
  wakeProducer(ring);
  return count;
}

/** Address of a reference in the batch of the line. */
@inline
export function batchAt(index: i32): usize {
  return threadLine + LINE_BATCH + ((<usize>index) << 2);
}

/**
 * Wakes a producer that waits for room, once half of the ring is free: woken for each place, it would sleep once a
 * frame. The count is from the position that this thread popped. The head lags, so that the thread that takes the last
 * reference could count too many.
 */
@inline
function wakeProducer(ring: usize): void {
  const bell = <usize>load<u32>(ring, RING_SPACE_BELL);
  const sleepers = atomic.load<u32>(bell);
  if (sleepers !== 0 && isHalfEmpty(ring)) wakeOneOf(bell, sleepers);
}

@inline
function isHalfEmpty(ring: usize): bool {
  const waiting = <i32>(atomic.load<u32>(ring + RING_TAIL) - poppedPosition - 1);
  return waiting <= <i32>(load<u32>(ring, RING_LIMIT) >> 1);
}

/** Reads the first line of the payload while the place word is still on its way: the two cache misses overlap. */
@inline
function touchPayload(ring: usize, reference: u32): void {
  const index = (reference & SLOT_MASK) - load<u32>(ring, RING_FIRST_SLOT);
  touched += load<u32>(<usize>load<u32>(ring, RING_PAYLOADS) + <usize>index * <usize>load<u32>(ring, RING_SLOT_BYTES));
}
