// Settlement: how a frame, or a record of a parcel, ends on leaves.
import {
  ENTRY_COUNT, ENTRY_OPEN, ENTRY_OUTCOME, ENTRY_OWED, ENTRY_SPLIT, LINE_SETTLEMENTS, LINE_SETTLE_ITEMS, SOURCE_BELL, SOURCE_ORDERED,
  SOURCE_ORDERED_LIST, SOURCE_OUTCOMES, SOURCE_OUTCOME_RECORDS, SOURCE_OUTCOME_STRIDE, SOURCE_TABLE_MASK,
} from './layout';
import { T, entryAt, pt, sourceAt } from './thread';
import { ring, ringAll } from './bells';

// A settlement's code, or from here on the address of a byte for each record. Leaves' bytes before those of the records.
export const MAX_CODES: u32 = 32, LEAF_OUTCOMES: usize = 32;

// or(outcome), and(open), and(owed), in this order; each may be done again. An entry of another ordinal is not touched.
// Of a parcel, `code` is for the records that have not ended on the leaf before: it is in the leaf's byte, as it is where a
// source has several sinks.
export function settle(source: u32, ordinal: u32, leaves: u32, code: u32): void {
  const s = sourceAt(source), e = entryAt(s, ordinal);
  if (atomic.load<u32>(e) != ordinal) return;
  if (load<u32>(s, SOURCE_OUTCOMES)) for (let m = leaves, at = outcomesAt(s, ordinal); m; m &= m - 1) store<u8>(at + <usize>ctz(m), <u8>(code + 1));
  if (load<u32>(s, SOURCE_ORDERED) == 0 && atomic.load<u32>(e + ENTRY_OWED) == leaves) { // the last one: nobody else writes here
    store<u32>(e, load<u32>(e, ENTRY_OUTCOME) | (1 << code), ENTRY_OUTCOME); pt(60);
    store<u32>(e, 0, ENTRY_OPEN); pt(61);
    atomic.store<u32>(e + ENTRY_OWED, 0); pt(62); // publishes: the outcome, to the sweep
    ring(load<u32>(s, SOURCE_BELL));
    return;
  }
  atomic.or<u32>(e + ENTRY_OUTCOME, 1 << code); pt(60);
  const open = atomic.and<u32>(e + ENTRY_OPEN, ~leaves); pt(61);
  for (let i: u32 = 0, n = load<u32>(s, SOURCE_ORDERED); i < n; i++) { // who waits for this ordinal at an ordered edge may go on
    const o = s + SOURCE_ORDERED_LIST + (<usize>i << 3), below = load<u32>(o, 4);
    if ((open & below) != 0 && (open & ~leaves & below) == 0) ringAll(load<u32>(o));
  }
  const owed = atomic.and<u32>(e + ENTRY_OWED, ~leaves); pt(62); // publishes: the outcome, to the sweep
  if ((owed & ~leaves) == 0) ring(load<u32>(s, SOURCE_BELL));
}

@inline export function outcomesAt(s: usize, ordinal: u32): usize { return <usize>load<u32>(s, SOURCE_OUTCOMES) + <usize>(ordinal & load<u32>(s, SOURCE_TABLE_MASK)) * <usize>load<u32>(s, SOURCE_OUTCOME_STRIDE); }
// Ends records of a parcel on leaves that this record's reference still has: before its outputs go on, whose settlements
// publish it. `from` has a byte for each record; no two references of an ordinal have a leaf in common, so nobody else writes here.
export function settleEach(source: u32, ordinal: u32, leaves: u32, from: usize): void {
  const s = sourceAt(source), e = entryAt(s, ordinal);
  if (atomic.load<u32>(e) != ordinal || load<u32>(s, SOURCE_OUTCOME_RECORDS) == 0) return;
  const records = load<u32>(s, SOURCE_OUTCOME_RECORDS), count = load<u32>(e, ENTRY_COUNT), n = count < records ? count : records, at = outcomesAt(s, ordinal) + LEAF_OUTCOMES;
  store<u32>(e, 1, ENTRY_SPLIT); pt(83);
  for (let m = leaves; m; m &= m - 1) {
    const to = at + <usize>ctz(m) * <usize>records;
    for (let i: u32 = 0; i < n; i++) { const c = load<u8>(from + <usize>i); if (c) store<u8>(to + <usize>i, c); }
    pt(84);
  }
}
export function settleRecords(): void {
  for (let i = 0, n = load<i32>(T, LINE_SETTLEMENTS); i < n; i++) { const q = T + LINE_SETTLE_ITEMS + (<usize>i << 4), code = load<u32>(q, 12); if (code >= MAX_CODES) settleEach(load<u32>(q), load<u32>(q, 4), load<u32>(q, 8), <usize>code); }
}
