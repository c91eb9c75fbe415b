// Settlement: how a frame, or a record of a parcel, ends on leaves.
//
// The entry of an ordinal has three words that threads change together here; ../README.md says who else reads them.
//   outcome   one bit for each way in which a leaf ended
//   open      leaves on which the frame has not ended: the ordered edges above read it
//   owed      leaves that are not settled: the sweep reads it, and counts the ordinal when it is 0
import {
  ENTRY_COUNT,
  ENTRY_OPEN,
  ENTRY_OUTCOME,
  ENTRY_OWED,
  ENTRY_SPLIT,
  LEAF_OUTCOMES,
  LINE_SETTLE_ITEMS,
  LINE_SETTLEMENTS,
  MAX_CODES,
  SETTLE_CODE,
  SETTLE_LEAVES,
  SETTLE_ORDINAL,
  SETTLE_SOURCE,
  SOURCE_BELL,
  SOURCE_ORDERED,
  SOURCE_ORDERED_LIST,
  SOURCE_OUTCOME_RECORDS,
  SOURCE_OUTCOME_STRIDE,
  SOURCE_OUTCOMES,
  SOURCE_TABLE_MASK,
} from './layout';
import { entryAt, sourceAt, step, threadLine } from './thread';
import { wake, wakeAll } from './wake';

/**
 * Ends an ordinal on leaves: or(outcome), and(open), and(owed), in this order. Each may be done again. An entry that
 * belongs to another ordinal is not touched. Of a parcel, `code` is for the records that have not ended on a leaf
 * before: it is in the byte of the leaf, as it is where a source has several sinks.
 */
export function settle(sourceNumber: u32, ordinal: u32, leaves: u32, code: u32): void {
  const source = sourceAt(sourceNumber);
  const entry = entryAt(source, ordinal);
  // The entry belongs to a later ordinal: this one was settled before.
  if (atomic.load<u32>(entry) !== ordinal) return;

  if (load<u32>(source, SOURCE_OUTCOMES)) {
    const outcomes = outcomesAt(source, ordinal);
    for (let left = leaves; left; left &= left - 1) store<u8>(outcomes + <usize>ctz(left), <u8>(code + 1));
  }

  if (load<u32>(source, SOURCE_ORDERED) === 0 && atomic.load<u32>(entry + ENTRY_OWED) === leaves) {
    // The last settlement of an ordinal that no ordered edge waits for: no other thread writes the entry.
    store<u32>(entry, load<u32>(entry, ENTRY_OUTCOME) | (1 << code), ENTRY_OUTCOME);
    step(60);
    store<u32>(entry, 0, ENTRY_OPEN);
    step(61);
    atomic.store<u32>(entry + ENTRY_OWED, 0); // publishes: the outcome, to the sweep
    step(62);
    wake(load<u32>(source, SOURCE_BELL));
    return;
  }

  atomic.or<u32>(entry + ENTRY_OUTCOME, 1 << code);
  step(60);
  const open = atomic.and<u32>(entry + ENTRY_OPEN, ~leaves);
  step(61);
  wakeOrdered(source, open, leaves);
  const owed = atomic.and<u32>(entry + ENTRY_OWED, ~leaves); // publishes: the outcome, to the sweep
  step(62);
  if ((owed & ~leaves) === 0) wake(load<u32>(source, SOURCE_BELL));
}

/** Wakes the consumers of the ordered edges that no longer wait for an ordinal. `open`: its leaves before. */
@inline
function wakeOrdered(source: usize, open: u32, leaves: u32): void {
  const edges = load<u32>(source, SOURCE_ORDERED);
  for (let index: u32 = 0; index < edges; index++) {
    const edge = source + SOURCE_ORDERED_LIST + ((<usize>index) << 3);
    const below = load<u32>(edge, 4);
    if ((open & below) !== 0 && (open & ~leaves & below) === 0) wakeAll(load<u32>(edge));
  }
}

/** Address of the outcomes of an ordinal: a byte for each leaf, then those of the records. */
@inline
export function outcomesAt(source: usize, ordinal: u32): usize {
  const index = ordinal & load<u32>(source, SOURCE_TABLE_MASK);
  return <usize>load<u32>(source, SOURCE_OUTCOMES) + <usize>index * <usize>load<u32>(source, SOURCE_OUTCOME_STRIDE);
}

/**
 * Ends records of a parcel on leaves that the reference of this commit still serves. It comes before the outputs of the
 * commit, whose settlements publish it. `from` has a byte for each record. No two references of an ordinal have a leaf
 * in common, so that no other thread writes these bytes.
 */
export function settleEach(sourceNumber: u32, ordinal: u32, leaves: u32, from: usize): void {
  const source = sourceAt(sourceNumber);
  const entry = entryAt(source, ordinal);
  // The entry belongs to a later ordinal, or the source sends no parcels.
  if (atomic.load<u32>(entry) !== ordinal || load<u32>(source, SOURCE_OUTCOME_RECORDS) === 0) return;

  const stride = load<u32>(source, SOURCE_OUTCOME_RECORDS);
  const count = load<u32>(entry, ENTRY_COUNT);
  const records = count < stride ? count : stride;
  const outcomes = outcomesAt(source, ordinal) + LEAF_OUTCOMES;
  store<u32>(entry, 1, ENTRY_SPLIT);
  step(83);
  for (let left = leaves; left; left &= left - 1) {
    const ofLeaf = outcomes + <usize>ctz(left) * <usize>stride;
    for (let record: u32 = 0; record < records; record++) {
      const outcome = load<u8>(from + <usize>record);
      if (outcome) store<u8>(ofLeaf + <usize>record, outcome);
    }
    step(84);
  }
}

/** Carries out the settlements of the record of this thread that end records one by one. */
export function settleRecords(): void {
  const count = load<i32>(threadLine, LINE_SETTLEMENTS);
  for (let index = 0; index < count; index++) {
    const item = settlementAt(index);
    const code = load<u32>(item, SETTLE_CODE);
    // A code that is not below MAX_CODES is the address of the bytes.
    if (code >= MAX_CODES) {
      settleEach(
        load<u32>(item, SETTLE_SOURCE),
        load<u32>(item, SETTLE_ORDINAL),
        load<u32>(item, SETTLE_LEAVES),
        <usize>code,
      );
    }
  }
}

/** Carries out the other settlements of the record of this thread. */
@inline
export function settleFrames(): void {
  const count = load<i32>(threadLine, LINE_SETTLEMENTS);
  for (let index = 0; index < count; index++) {
    const item = settlementAt(index);
    const code = load<u32>(item, SETTLE_CODE);
    if (code < MAX_CODES) {
      settle(load<u32>(item, SETTLE_SOURCE), load<u32>(item, SETTLE_ORDINAL), load<u32>(item, SETTLE_LEAVES), code);
    }
  }
}

@inline
function settlementAt(index: i32): usize {
  return threadLine + LINE_SETTLE_ITEMS + ((<usize>index) << 4);
}
