// Handing over and taking, by the kind and policy of an edge, and carrying out a committed record.

import { COMMITTED } from './banks';
import { dropFrom } from './drops';
import { PUSHED, pushCell, takeFifo, takeLane } from './fifo';
import {
  CODE_DROP_NEWEST,
  CODE_DROP_OLDEST,
  CODE_LATEST,
  CODE_SAMPLED,
  CODE_SUPERSEDED,
  EMPTY,
  FLAG_ENDS,
  KIND_FIFO,
  LINE_INPUT_REFERENCES,
  LINE_INPUTS,
  LINE_OUTPUT_REFERENCES,
  LINE_OUTPUTS,
  LINE_RECORD,
  POLICY_BLOCK,
  POLICY_DROP_NEWEST,
  POLICY_LATEST,
  POLICY_SAMPLE,
  RING_EVERY,
  RING_KIND,
  RING_LANE,
  RING_MASK,
  RING_POLICY,
  RING_SOURCES,
  SLOT_KIND,
  SLOT_MASK,
  SLOT_NEXT,
  SLOT_ORDINAL,
  SLOT_SOURCE,
} from './layout';
import { forceOrdered, passHoles, putOrdered, SUPERSEDED, takeOrdered, takeOrderedLatest } from './ordered';
import { settleFrames, settleRecords } from './settlement';
import { dropBit } from './slots';
import { headerOf, leave, step, threadLine } from './thread';

/** Results of `give`: a blocking edge is full; the reference is on the edge, or dropped by its policy and counted. */
const NO_ROOM: i32 = 0;
const DONE: i32 = 1;

/** Hands a reference that this thread holds to an edge. Returns NO_ROOM or DONE. */
export function give(ring: usize, reference: u32): i32 {
  const policy = load<u32>(ring, RING_POLICY);
  if (policy === POLICY_SAMPLE) {
    const ordinal = load<u32>(headerOf(reference), SLOT_ORDINAL);
    if (ordinal % load<u32>(ring, RING_EVERY) !== 0 && !carriesEnd(reference)) {
      // Left out of the sample.
      dropFrom(ring, reference, CODE_SAMPLED);
      return DONE;
    }
  } else if (policy !== POLICY_BLOCK && carriesEnd(reference)) {
    // No policy drops the end of a series. Nothing else of its source is in flight, so that it can overtake what waits:
    // it goes over the lane, which never fills.
    return pushCell(<usize>load<u32>(ring, RING_LANE), reference);
  }

  const isFifo = load<u32>(ring, RING_KIND) === KIND_FIFO;
  while (true) {
    const result = isFifo ? pushCell(ring, reference) : putOrdered(ring, reference);
    if (result === PUSHED) return DONE;
    if (result === SUPERSEDED) {
      dropFrom(ring, reference, CODE_SUPERSEDED);
      return DONE;
    }
    // The edge is full.
    if (policy === POLICY_BLOCK || policy === POLICY_SAMPLE) return NO_ROOM;
    if (policy === POLICY_DROP_NEWEST) {
      // Places of ordinals that do not come any more may be free.
      if (!isFifo && passHoles(ring, load<u32>(headerOf(reference), SLOT_SOURCE))) continue;
      dropFrom(ring, reference, CODE_DROP_NEWEST);
      return DONE;
    }
    // drop-oldest, latest: make room and try again.
    const code = policy === POLICY_LATEST ? CODE_LATEST : CODE_DROP_OLDEST;
    if (isFifo) {
      const oldest = takeFifo(ring);
      if (oldest !== EMPTY) dropFrom(ring, oldest, code);
    } else {
      forceOrdered(ring, load<u32>(headerOf(reference), SLOT_SOURCE), code);
    }
  }
}

/** Whether a series ends with a reference: the last slot of its chain has the flag. */
function carriesEnd(reference: u32): bool {
  let slot = reference & SLOT_MASK;
  do {
    const header = headerOf(slot);
    if (load<u32>(header, SLOT_KIND) & FLAG_ENDS) return true;
    slot = load<u32>(header, SLOT_NEXT);
  } while (slot !== EMPTY);
  return false;
}

/** Takes a reference from an edge, or returns EMPTY. `fromSource`: where an ordered edge begins to look. */
export function takeAny(ring: usize, fromSource: u32): u32 {
  // The lane first: what dead threads held is older than what the edge has.
  const lane = <usize>load<u32>(ring, RING_LANE);
  if (lane) {
    const reference = takeLane(lane);
    if (reference !== EMPTY) return reference;
  }
  if (load<u32>(ring, RING_KIND) === KIND_FIFO) {
    let reference = takeFifo(ring);
    if (reference !== EMPTY && load<u32>(ring, RING_POLICY) === POLICY_LATEST) {
      // Drop what is older, for as many references as the ring can have at once.
      for (let left = load<u32>(ring, RING_MASK); left > 0; left--) {
        const newer = takeFifo(ring);
        if (newer === EMPTY) break;
        dropFrom(ring, reference, CODE_LATEST);
        reference = newer;
      }
    }
    return reference;
  }
  const sources = load<u32>(ring, RING_SOURCES);
  const isLatest = load<u32>(ring, RING_POLICY) === POLICY_LATEST;
  for (let offset: u32 = 0; offset < sources; offset++) {
    const source = (fromSource + offset) % sources;
    const reference = isLatest ? takeOrderedLatest(ring, source) : takeOrdered(ring, source);
    if (reference !== EMPTY) return reference;
  }
  return EMPTY;
}

/**
 * Carries out the record of this thread, from output `from` on, and leaves the gate: pushes the outputs, settles,
 * releases the inputs, clears the record. Returns how many outputs are handed over. Fewer than the record has: the next
 * edge has no room, and nothing behind that output was done.
 */
export function finish(from: i32): i32 {
  const outputs = load<i32>(threadLine, LINE_OUTPUTS);
  // Records of parcels end before an output goes on: whoever settles it then publishes their bytes.
  if (from === 0) settleRecords();
  for (let index = from; index < outputs; index++) {
    const output = threadLine + LINE_OUTPUT_REFERENCES + ((<usize>index) << 3);
    if (give(load<u32>(output, 4), load<u32>(output)) === NO_ROOM) {
      leave();
      return index;
    }
    step(73);
  }
  settleFrames();
  const inputs = load<i32>(threadLine, LINE_INPUTS);
  for (let index = 0; index < inputs; index++) {
    dropBit(load<u32>(threadLine + LINE_INPUT_REFERENCES + ((<usize>index) << 2)));
  }
  step(74);
  store<u32>(threadLine, load<u32>(threadLine, LINE_RECORD) & ~COMMITTED, LINE_RECORD);
  leave();
  return outputs;
}
