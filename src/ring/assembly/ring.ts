// The operations that a thread calls: on rings, slots, commits and settlements in the arena. Each thread has an
// instance of this module. Every word in the arena is little-endian.
//
// The algorithms, their invariants and the writers of each word: ../README.md. Offsets and formats: ../ring-layout.ts,
// from which ./layout.ts is generated. Models of what is here: ../models.
//
//   cell, fifo, ordered    the rings
//   wake                   waking the threads that sleep
//   slots                  claiming and freeing slots
//   settlement, drops      how frames end
//   hand-over              edges with their policies; carrying out a commit
//   ledger, banks          what a source counts
//   thread                 the state of an instance, the numbered steps, the gate
//
// Claiming and publishing are one compare-exchange: a thread that dies anywhere leaves no hole, and what it held can be
// decided. The census alone reads the place words of other threads, the record after it is done, and the bits of a slot
// that is on no ring yet. They are stored plainly: the census runs after the thread left its operation or ended, and
// either makes its stores visible.
//
// `step(n)` numbers the points between two accesses to memory. The build with fault points ends a thread at one of
// them.
//
// Results: a reference or a count; EMPTY (-1), there is nothing; GATE_CLOSED (-2), nothing was done.
import { bankOf, COMMITTED, nextRecord } from './banks';
import { cellAt, cellWith, positionOf, referenceOf } from './cell';
import { dropFrom } from './drops';
import { batchAt, FULL, PUSHED, popCell, pushCell, takeBatch, takeLaneBatch } from './fifo';
import { finish, give, takeAny } from './hand-over';
import {
  BANK_BYTES_LOW,
  BANK_FRAMES,
  BANK_OUTPUTS,
  EMPTY,
  GATE_CLOSED,
  KIND_FIFO,
  LINE_INPUTS,
  LINE_OUTPUTS,
  LINE_RECORD,
  LINE_SETTLEMENTS,
  PLACE_DEATHS_MASK,
  POLICY_LATEST,
  RING_CELLS,
  RING_EDGE,
  RING_KIND,
  RING_LANE,
  RING_MASK,
  RING_POLICY,
  RING_TAIL,
  SLOT_NEXT,
  SLOT_PAYLOAD,
} from './layout';
import { settle, settleEach } from './settlement';
import { claimFrom, dropBit, freeSlot, own } from './slots';
import { enter, headerOf, heldFrom, leave, placeAt, placeOf, step, threadLine } from './thread';

export { commitFrame, refuse, sweep } from './ledger';
export { attach } from './thread';
export { wakeAll } from './wake';

// ---- Slots ----------------------------------------------------------------------------------------------------------

/** Claims a slot from a pool. */
export function claim(pool: usize): i32 {
  if (!enter()) return GATE_CLOSED;
  const slot = claimFrom(pool);
  leave();
  return <i32>slot;
}

/**
 * Claims up to `atMost` slots into the batch of the line. All cells come first, as in `takeBatch`. The store to each
 * payload fetches its first line for the thread that writes it.
 */
export function claimN(pool: usize, atMost: i32): i32 {
  if (!enter()) return GATE_CLOSED;
  let count = 0;
  for (; count < atMost; count++) {
    const slot = popCell(pool);
    if (slot === EMPTY) break;
    store<u32>(batchAt(count), slot);
  }
  for (let index = 0; index < count; index++) {
    const slot = load<u32>(batchAt(index));
    own(slot);
    if (count > 1) store<u32>(<usize>load<u32>(headerOf(slot), SLOT_PAYLOAD), 0);
  }
  leave();
  return count;
}

/** Gives back a reference that this thread holds: a slot that it claimed and did not use. */
export function release(reference: u32): i32 {
  if (!enter()) return GATE_CLOSED;
  dropBit(reference);
  leave();
  return 1;
}

/**
 * Gives a slot that this thread claimed its branches, a mask, in place of branch 0: place words first, then the bits.
 */
export function fanClaimed(slot: u32, branches: u32): i32 {
  if (!enter()) return GATE_CLOSED;
  const header = headerOf(slot);
  holdBranches(header, branches);
  step(63);
  store<u32>(header, branches);
  step(64);
  leave();
  return 1;
}

/** Adds branches, a mask, to a slot of which this thread holds a reference: place words first, then the bits. */
export function fanHeld(reference: u32, branches: u32): i32 {
  if (!enter()) return GATE_CLOSED;
  const header = headerOf(reference);
  holdBranches(header, branches);
  step(65);
  atomic.or<u32>(header, branches);
  step(66);
  leave();
  return 1;
}

@inline
function holdBranches(header: usize, branches: u32): void {
  for (let left = branches; left; left &= left - 1) store<u32>(placeAt(header, ctz(left)), heldFrom(0));
}

/**
 * Chains a slot that this thread claimed behind another: it has no bits of its own any more. This is inside the gate
 * because a census between the two stores would find the slot nowhere.
 */
export function link(previous: u32, slot: u32): i32 {
  if (!enter()) return GATE_CLOSED;
  store<u32>(headerOf(previous), slot, SLOT_NEXT);
  step(53);
  atomic.store<u32>(headerOf(slot), 0);
  leave();
  return 1;
}

// ---- Edges ----------------------------------------------------------------------------------------------------------

/** Takes a reference from an edge. `fromSource`: where an ordered edge begins to look. */
export function take(ring: usize, fromSource: u32): i32 {
  if (!enter()) return GATE_CLOSED;
  const reference = takeAny(ring, fromSource);
  leave();
  return <i32>reference;
}

/** Takes up to `atMost` references into the batch of the line. */
export function takeN(ring: usize, fromSource: u32, atMost: i32): i32 {
  if (!enter()) return GATE_CLOSED;
  let count = 0;
  if (load<u32>(ring, RING_KIND) === KIND_FIFO && load<u32>(ring, RING_POLICY) !== POLICY_LATEST) {
    const lane = <usize>load<u32>(ring, RING_LANE);
    if (lane) count = takeLaneBatch(lane, atMost);
    count = takeBatch(ring, count, atMost);
  } else {
    for (; count < atMost; count++) {
      const reference = takeAny(ring, fromSource);
      if (reference === EMPTY) break;
      store<u32>(batchAt(count), reference);
    }
  }
  leave();
  return count;
}

/**
 * Ends a reference that this thread took from a ring, on the leaves that it serves. It uses the record of drops,
 * whatever the other record is at.
 */
export function dropHeld(ring: usize, reference: u32, code: u32): i32 {
  if (!enter()) return GATE_CLOSED;
  dropFrom(ring, reference, code);
  leave();
  return 1;
}

// ---- Commits --------------------------------------------------------------------------------------------------------

/**
 * Commits the work of a worker or sink. The line lists its inputs, outputs and settlements. Returns how many outputs
 * were handed over. Fewer than `outputs`: wait for room, then call `resume` with that number.
 */
export function commit(inputs: i32, outputs: i32, settlements: i32, frames: u32, bytes: u32): i32 {
  if (!enter()) return GATE_CLOSED;
  store<i32>(threadLine, inputs, LINE_INPUTS);
  store<i32>(threadLine, outputs, LINE_OUTPUTS);
  store<i32>(threadLine, settlements, LINE_SETTLEMENTS);
  step(70);
  const record = load<u32>(threadLine, LINE_RECORD);
  const idle = bankOf(nextRecord(record));
  const live = bankOf(record);
  store<u32>(idle, load<u32>(live, BANK_FRAMES) + frames, BANK_FRAMES);
  store<u32>(idle, load<u32>(live, BANK_OUTPUTS) + outputs, BANK_OUTPUTS);
  store<u64>(idle, load<u64>(live, BANK_BYTES_LOW) + <u64>bytes, BANK_BYTES_LOW);
  step(71);
  atomic.store<u32>(threadLine + LINE_RECORD, nextRecord(record) | COMMITTED); // publishes: the whole commit
  step(72);
  return finish(0);
}

/** Carries on with a commit that waited for room at output `from`. */
export function resume(from: i32): i32 {
  if (!enter()) return GATE_CLOSED;
  return finish(from);
}

// ---- For the census alone: the gate is closed and no thread is inside ----------------------------------------------

/** 1: handed over, or dropped by the policy of the edge. 0: there is no room. */
export function recoverGive(ring: usize, reference: u32): i32 {
  return give(ring, reference);
}

/**
 * Puts a reference at the tail, whatever the limit: there are cells for every slot that can come. The count of deaths
 * in the place word stays.
 */
export function recoverPush(ring: usize, reference: u32): void {
  const place = placeOf(reference);
  store<u32>(place, load<u32>(ring, RING_EDGE) | (load<u32>(place) & PLACE_DEATHS_MASK));
  barePush(ring, reference);
}

export function recoverPop(ring: usize): i32 {
  return <i32>popCell(ring);
}

export function recoverSettle(source: u32, ordinal: u32, leaves: u32, code: u32): void {
  settle(source, ordinal, leaves, code);
}

export function recoverSettleEach(source: u32, ordinal: u32, leaves: u32, from: u32): void {
  settleEach(source, ordinal, leaves, from);
}

export function recoverFree(slot: u32): void {
  freeSlot(slot);
}

// ---- For tests and benches ------------------------------------------------------------------------------------------

/** Pushes without gate, limit and place word. Returns FULL or PUSHED. */
export function barePush(ring: usize, reference: u32): i32 {
  const mask = load<u32>(ring, RING_MASK);
  while (true) {
    const tail = atomic.load<u32>(ring + RING_TAIL);
    const cell = cellAt(ring + RING_CELLS, tail, mask);
    const seen = atomic.load<u64>(cell);
    const ahead = <i32>(positionOf(seen) - tail);
    if (ahead === 0 && referenceOf(seen) === EMPTY) {
      // The cell waits for this position.
      if (atomic.cmpxchg<u64>(cell, seen, cellWith(tail, reference)) === seen) {
        atomic.cmpxchg<u32>(ring + RING_TAIL, tail, tail + 1);
        return PUSHED;
      }
    } else if (ahead < 0) {
      // Full: the cell still has the reference of the last round.
      return FULL;
    } else {
      // The tail is behind: another thread pushed at this position.
      atomic.cmpxchg<u32>(ring + RING_TAIL, tail, tail + 1);
    }
  }
}

/** Pops without gate and place word. */
export function barePop(ring: usize): i32 {
  return <i32>popCell(ring);
}

/** Pushes references of the batch, as outputs without a record. Returns how many there was room for. */
export function pushN(ring: usize, count: i32): i32 {
  if (!enter()) return GATE_CLOSED;
  let pushed = 0;
  for (; pushed < count; pushed++) {
    if (pushCell(ring, load<u32>(batchAt(pushed))) === FULL) break;
  }
  leave();
  return pushed;
}

/** Releases the references of the batch. */
export function releaseN(count: i32): i32 {
  if (!enter()) return GATE_CLOSED;
  for (let index = 0; index < count; index++) dropBit(load<u32>(batchAt(index)));
  leave();
  return count;
}
