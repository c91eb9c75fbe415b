// Ordered rings: one array of cells for each source, in which the position of a reference is its ordinal. ./cell.ts has
// the states of a cell.
//
// next: a hint of the position that is taken next, never ahead of the cells. Any thread moves it from n to n + 1 by
// compare-exchange; consumers and, on an edge that drops, producers read it.

import { cellAt, cellWaitingFor, cellWith, positionOf, referenceOf } from './cell';
import { dropFrom } from './drops';
import { FULL, PUSHED } from './fifo';
import {
  ARRAY_CELLS,
  ARRAY_LEAF_MASK,
  ARRAY_NEXT,
  CODE_LATEST,
  EMPTY,
  ENTRY_OPEN,
  POLICY_LATEST,
  RING_ARRAY_STRIDE,
  RING_CELLS,
  RING_EDGE,
  RING_ITEM_BELL,
  RING_MASK,
  RING_POLICY,
  RING_SPACE_BELL,
  SLOT_ORDINAL,
  SLOT_SOURCE,
} from './layout';
import { entryAt, headerOf, heldFrom, placeOf, sourceAt, step } from './thread';
import { wake, wakeAll } from './wake';

/** Result of a put: the edge, which drops, went past the position. */
export const SUPERSEDED: i32 = 2;

/** Address of the array of a source. */
@inline
function arrayAt(ring: usize, source: u32): usize {
  return ring + RING_CELLS + <usize>source * load<u32>(ring, RING_ARRAY_STRIDE);
}

/** Puts a reference that this thread holds into the cell of its ordinal. Returns FULL, PUSHED or SUPERSEDED. */
export function putOrdered(ring: usize, reference: u32): i32 {
  const header = headerOf(reference);
  const position = load<u32>(header, SLOT_ORDINAL);
  const mask = load<u32>(ring, RING_MASK);
  const array = arrayAt(ring, load<u32>(header, SLOT_SOURCE));
  const cell = cellAt(array + ARRAY_CELLS, position, mask);
  const seen = atomic.load<u64>(cell);
  const ahead = <i32>(positionOf(seen) - position);
  // Full: the cell is still that of an earlier ordinal.
  if (ahead < 0) return FULL;
  // The cell is that of a later ordinal, or the position was passed over.
  if (ahead > 0 || referenceOf(seen) !== EMPTY) return SUPERSEDED;

  const place = placeOf(reference);
  const placeBefore = load<u32>(place);
  step(15);
  store<u32>(place, load<u32>(ring, RING_EDGE));
  step(16);
  // publishes: the reference
  if (atomic.cmpxchg<u64>(cell, seen, cellWith(position, reference)) === seen) {
    step(17);
    const isNext = atomic.load<u32>(array + ARRAY_NEXT) === position;
    if (isNext || load<u32>(ring, RING_POLICY) === POLICY_LATEST) wakeAll(load<u32>(ring, RING_ITEM_BELL));
    return PUSHED;
  }
  // Another thread passed the position over.
  store<u32>(place, placeBefore);
  return SUPERSEDED;
}

/** Takes the next reference of a source in order, or returns EMPTY. Passes over ordinals that do not come any more. */
export function takeOrdered(ring: usize, source: u32): u32 {
  const mask = load<u32>(ring, RING_MASK);
  const array = arrayAt(ring, source);
  while (true) {
    const next = atomic.load<u32>(array + ARRAY_NEXT);
    const cell = cellAt(array + ARRAY_CELLS, next, mask);
    const seen = atomic.load<u64>(cell); // acquires: the reference
    const reference = referenceOf(seen);
    if (positionOf(seen) !== next) {
      // `next` is behind: another thread moved the cell.
      atomic.cmpxchg<u32>(array + ARRAY_NEXT, next, next + 1);
      continue;
    }
    if (reference === EMPTY) {
      // The ordinal has not come: wait, unless nothing of it is open below this edge.
      if (!settledBelow(array, source, next)) return EMPTY;
      if (atomic.cmpxchg<u64>(cell, seen, cellWaitingFor(next + mask + 1)) === seen) passCell(ring, array, next);
    } else if (atomic.cmpxchg<u64>(cell, seen, cellWaitingFor(next + mask + 1)) === seen) {
      step(25);
      store<u32>(placeOf(reference), heldFrom(load<u32>(ring, RING_EDGE)));
      passCell(ring, array, next);
      // Another consumer can take the position behind, if its reference came before: its put woke no consumer then.
      if (isOccupied(array, next + 1, mask)) wake(load<u32>(ring, RING_ITEM_BELL));
      return reference;
    }
  }
}

/** Takes the newest reference of a source and drops the older ones, or returns EMPTY. */
export function takeOrderedLatest(ring: usize, source: u32): u32 {
  const mask = load<u32>(ring, RING_MASK);
  const array = arrayAt(ring, source);
  while (true) {
    const next = atomic.load<u32>(array + ARRAY_NEXT);
    let newest = next;
    let found = false;
    for (let offset: u32 = 0; offset <= mask; offset++) {
      const seen = atomic.load<u64>(cellAt(array + ARRAY_CELLS, next + offset, mask));
      if (positionOf(seen) === next + offset && referenceOf(seen) !== EMPTY) {
        newest = next + offset;
        found = true;
      }
    }
    // There is none, or the newest is the next one.
    if (!found || newest === next) return takeOrdered(ring, source);
    forceOrdered(ring, source, CODE_LATEST);
  }
}

/**
 * Moves an array on an edge that drops on by one position: drops the oldest reference, or passes over an empty cell.
 */
export function forceOrdered(ring: usize, source: u32, code: u32): void {
  const mask = load<u32>(ring, RING_MASK);
  const array = arrayAt(ring, source);
  const next = atomic.load<u32>(array + ARRAY_NEXT);
  const cell = cellAt(array + ARRAY_CELLS, next, mask);
  const seen = atomic.load<u64>(cell); // acquires: the reference
  const reference = referenceOf(seen);
  if (positionOf(seen) !== next) {
    // `next` is behind: another thread moved the cell.
    atomic.cmpxchg<u32>(array + ARRAY_NEXT, next, next + 1);
    return;
  }
  // Another thread moved the cell: the caller tries again.
  if (atomic.cmpxchg<u64>(cell, seen, cellWaitingFor(next + mask + 1)) !== seen) return;
  if (reference !== EMPTY) {
    store<u32>(placeOf(reference), heldFrom(load<u32>(ring, RING_EDGE)));
    step(27);
  }
  passCell(ring, array, next);
  if (reference !== EMPTY) {
    // The settlement of the drop wakes the consumers.
    dropFrom(ring, reference, code);
  } else {
    wakeConsumersBehind(ring, array, next, mask);
  }
}

/**
 * Passes over the ordinals at the front of an array that were dropped there or ended elsewhere. A consumer does so when
 * it takes; until then they would occupy places of an edge that may be empty. Returns whether a place became free.
 */
export function passHoles(ring: usize, source: u32): bool {
  const mask = load<u32>(ring, RING_MASK);
  const array = arrayAt(ring, source);
  let passed = false;
  while (true) {
    const next = atomic.load<u32>(array + ARRAY_NEXT);
    const cell = cellAt(array + ARRAY_CELLS, next, mask);
    const seen = atomic.load<u64>(cell);
    if (positionOf(seen) !== next) {
      // `next` is behind: another thread moved the cell.
      atomic.cmpxchg<u32>(array + ARRAY_NEXT, next, next + 1);
      continue;
    }
    // The front has a reference, or waits for an ordinal that may still come.
    if (referenceOf(seen) !== EMPTY || !settledBelow(array, source, next)) return passed;
    passed = true; // by this thread or by another
    if (atomic.cmpxchg<u64>(cell, seen, cellWaitingFor(next + mask + 1)) !== seen) continue;
    passCell(ring, array, next);
    wakeConsumersBehind(ring, array, next, mask);
  }
}

/**
 * Moves `next` past a position whose cell this thread moved. The producers that wait for room are woken at every half
 * of the window: each waits for a position one window on, so that at least one half is passed before it.
 */
@inline
function passCell(ring: usize, array: usize, position: u32): void {
  atomic.cmpxchg<u32>(array + ARRAY_NEXT, position, position + 1);
  step(26);
  if (((position + 1) & (load<u32>(ring, RING_MASK) >> 1)) === 0) wakeAll(load<u32>(ring, RING_SPACE_BELL));
}

/** After an empty cell was passed over: the reference behind it can be taken now. */
@inline
function wakeConsumersBehind(ring: usize, array: usize, position: u32, mask: u32): void {
  if (isOccupied(array, position + 1, mask)) wakeAll(load<u32>(ring, RING_ITEM_BELL));
}

/** Whether the cell of a position has a reference, of whatever position. */
@inline
function isOccupied(array: usize, position: u32, mask: u32): bool {
  return referenceOf(atomic.load<u64>(cellAt(array + ARRAY_CELLS, position, mask))) !== EMPTY;
}

/** Whether an ordinal can be passed over: no leaf below this edge is open, or the entry is that of a later ordinal. */
@inline
function settledBelow(array: usize, source: u32, ordinal: u32): bool {
  const entry = entryAt(sourceAt(source), ordinal);
  const ahead = <i32>(atomic.load<u32>(entry) - ordinal); // acquires: the ordinal first, then its leaves
  // The entry is that of a later ordinal; or that of an earlier one, and this ordinal has not been opened.
  if (ahead !== 0) return ahead > 0;
  if ((atomic.load<u32>(entry + ENTRY_OPEN) & load<u32>(array, ARRAY_LEAF_MASK)) === 0) return true;
  // Open, unless these were the leaves of the next ordinal of the entry.
  return atomic.load<u32>(entry) !== ordinal;
}
