// Handing over and taking, by kind and policy of an edge; carrying out a committed record.
import {
  CODE_DROP_NEWEST, CODE_DROP_OLDEST, CODE_LATEST, CODE_SAMPLED, CODE_SUPERSEDED, FLAG_ENDS, LINE_INPUTS, LINE_INPUT_REFS, LINE_OUTPUTS,
  LINE_OUTPUT_REFS, LINE_RECORD, LINE_SETTLEMENTS, LINE_SETTLE_ITEMS, RING_EVERY, RING_KIND, RING_LANE, RING_MASK, RING_POLICY,
  RING_SOURCES, SLOT_KIND, SLOT_NEXT, SLOT_ORDINAL, SLOT_SOURCE,
} from './layout';
import { EMPTY, T, headerOf, leave, pt } from './thread';
import { pushCell, takeFifo, takeLane } from './fifo';
import { dropBit } from './slots';
import { MAX_CODES, settle, settleRecords } from './settlement';
import { dropFrom } from './drops';
import { forceOrdered, passHoles, putOrdered, takeOrdered, takeOrderedLatest } from './ordered';
import { BLOCK, DROP_NEWEST, FIFO, LATEST, SAMPLE } from './policies';

// Whether a series ends with a reference: the last frame of its chain says so.
function carriesEnd(ref: u32): bool {
  let slot = ref & 0xFFFFFF;
  do { const h = headerOf(slot); if (load<u32>(h, SLOT_KIND) & FLAG_ENDS) return true; slot = load<u32>(h, SLOT_NEXT); } while (slot != EMPTY);
  return false;
}
// 1 done (on the ring, or dropped by its policy and counted), 0 a blocking edge is full
export function give(r: usize, ref: u32): i32 {
  const policy = load<u32>(r, RING_POLICY);
  if (policy == SAMPLE) { if (load<u32>(headerOf(ref), SLOT_ORDINAL) % load<u32>(r, RING_EVERY) != 0 && !carriesEnd(ref)) { dropFrom(r, ref, CODE_SAMPLED); return 1; } }
  // No policy drops an end. Nothing else of its source is under way, so that it may pass by what waits: it goes over the lane, which never fills.
  else if (policy != BLOCK && carriesEnd(ref)) return pushCell(<usize>load<u32>(r, RING_LANE), ref);
  const fifo = load<u32>(r, RING_KIND) == FIFO;
  while (true) {
    const k = fifo ? pushCell(r, ref) : putOrdered(r, ref);
    if (k == 1) return 1;
    if (k == 2) { dropFrom(r, ref, CODE_SUPERSEDED); return 1; }
    if (policy == BLOCK || policy == SAMPLE) return 0;
    if (policy == DROP_NEWEST) {
      if (!fifo && passHoles(r, load<u32>(headerOf(ref), SLOT_SOURCE))) continue;
      dropFrom(r, ref, CODE_DROP_NEWEST); return 1;
    }
    const code = policy == LATEST ? CODE_LATEST : CODE_DROP_OLDEST;
    if (fifo) { const old = takeFifo(r); if (old != EMPTY) dropFrom(r, old, code); }
    else forceOrdered(r, load<u32>(headerOf(ref), SLOT_SOURCE), code);
  }
}
export function takeAny(r: usize, from: u32): u32 {
  const lane = <usize>load<u32>(r, RING_LANE); // what the dead held, all of it older than what the edge holds
  if (lane) { const ref = takeLane(lane); if (ref != EMPTY) return ref; }
  if (load<u32>(r, RING_KIND) == FIFO) {
    let ref = takeFifo(r);
    if (ref != EMPTY && load<u32>(r, RING_POLICY) == LATEST)
      for (let i = load<u32>(r, RING_MASK); i > 0; i--) { const newer = takeFifo(r); if (newer == EMPTY) break; dropFrom(r, ref, CODE_LATEST); ref = newer; }
    return ref;
  }
  const n = load<u32>(r, RING_SOURCES), latest = load<u32>(r, RING_POLICY) == LATEST;
  for (let i: u32 = 0; i < n; i++) { const s = (from + i) % n, ref = latest ? takeOrderedLatest(r, s) : takeOrdered(r, s); if (ref != EMPTY) return ref; }
  return EMPTY;
}
// Pushes what the record names from output i on, settles, releases the inputs, clears the record. Returns how far it came.
export function finish(from: i32): i32 {
  const outputs = load<i32>(T, LINE_OUTPUTS);
  if (from == 0) settleRecords();
  for (let i = from; i < outputs; i++) { const o = T + LINE_OUTPUT_REFS + (<usize>i << 3); if (!give(load<u32>(o, 4), load<u32>(o))) { leave(); return i; } pt(73); }
  for (let i = 0, n = load<i32>(T, LINE_SETTLEMENTS); i < n; i++) { const q = T + LINE_SETTLE_ITEMS + (<usize>i << 4), code = load<u32>(q, 12); if (code < MAX_CODES) settle(load<u32>(q), load<u32>(q, 4), load<u32>(q, 8), code); }
  for (let i = 0, n = load<i32>(T, LINE_INPUTS); i < n; i++) dropBit(load<u32>(T + LINE_INPUT_REFS + (<usize>i << 2)));
  pt(74); store<u32>(T, load<u32>(T, LINE_RECORD) & ~1, LINE_RECORD);
  leave(); return outputs;
}
