// Drops by policy: a record of their own, so that a death in the middle is finished and counted once.
import {
  LINE_DROP, LINE_DROP_CODE, LINE_DROP_LEAVES, LINE_DROP_ORDINAL, LINE_DROP_REF, LINE_DROP_SOURCE, SLOT_ORDINAL, SLOT_SOURCE,
} from './layout';
import { T, headerOf, leavesOf, pt } from './thread';
import { dropBit } from './slots';
import { settle } from './settlement';

export function dropCounted(ref: u32, leaves: u32, code: u32): void {
  const h = headerOf(ref);
  store<u32>(T, ref, LINE_DROP_REF); store<u32>(T, load<u32>(h, SLOT_SOURCE), LINE_DROP_SOURCE); store<u32>(T, load<u32>(h, SLOT_ORDINAL), LINE_DROP_ORDINAL);
  store<u32>(T, leaves, LINE_DROP_LEAVES); store<u32>(T, code, LINE_DROP_CODE); pt(80);
  const w = load<u32>(T, LINE_DROP) + 2;
  atomic.store<u32>(T + LINE_DROP, w | 1); pt(81); // publishes: the drop
  settle(load<u32>(T, LINE_DROP_SOURCE), load<u32>(T, LINE_DROP_ORDINAL), leaves, code);
  dropBit(ref); pt(82);
  store<u32>(T, w, LINE_DROP);
}
@inline export function dropFrom(r: usize, ref: u32, code: u32): void { dropCounted(ref, leavesOf(r, ref), code); }
