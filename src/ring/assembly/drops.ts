// Drops by the policy of an edge. A drop has a record of its own in the line of the thread, so that the census finishes
// the drop of a dead thread and counts it once.
import {
  LINE_DROP,
  LINE_DROP_CODE,
  LINE_DROP_LEAVES,
  LINE_DROP_ORDINAL,
  LINE_DROP_REFERENCE,
  LINE_DROP_SOURCE,
  SLOT_ORDINAL,
  SLOT_SOURCE,
} from './layout';
import { settle } from './settlement';
import { dropBit } from './slots';
import { headerOf, leavesOf, step, threadLine } from './thread';

/** Drops a reference that this thread holds and that was on, or bound for, a ring. */
@inline
export function dropFrom(ring: usize, reference: u32, code: u32): void {
  dropCounted(reference, leavesOf(ring, reference), code);
}

/** Drops a reference that this thread holds: settles it on its leaves, then gives it back. */
export function dropCounted(reference: u32, leaves: u32, code: u32): void {
  const header = headerOf(reference);
  store<u32>(threadLine, reference, LINE_DROP_REFERENCE);
  store<u32>(threadLine, load<u32>(header, SLOT_SOURCE), LINE_DROP_SOURCE);
  store<u32>(threadLine, load<u32>(header, SLOT_ORDINAL), LINE_DROP_ORDINAL);
  store<u32>(threadLine, leaves, LINE_DROP_LEAVES);
  store<u32>(threadLine, code, LINE_DROP_CODE);
  step(80);
  const next = load<u32>(threadLine, LINE_DROP) + 2;
  atomic.store<u32>(threadLine + LINE_DROP, next | 1); // publishes: the drop, to the census
  step(81);
  settle(load<u32>(threadLine, LINE_DROP_SOURCE), load<u32>(threadLine, LINE_DROP_ORDINAL), leaves, code);
  dropBit(reference);
  step(82);
  store<u32>(threadLine, next, LINE_DROP);
}
