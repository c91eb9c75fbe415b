// The ledger of a source: what its thread receives, refuses, and counts as settled.
import {
  ENTRY_BELOW, ENTRY_COUNT, ENTRY_OPEN, ENTRY_OUTCOME, ENTRY_OWED, ENTRY_SPLIT, LINE_INPUTS, LINE_OUTPUTS, LINE_RECORD, LINE_SETTLEMENTS,
  SOURCE_OUTCOME_RECORDS, SOURCE_OUTCOME_STRIDE, SOURCE_VIEWS, VIEWS_BANKS, VIEWS_BANK_BYTES, VIEWS_COUNT, VIEWS_COUNTS, VIEWS_HEADLINE, VIEWS_MASKS,
  VIEWS_WORD,
} from './layout';
import { EMPTY, T, enter, entryAt, leave, pt, sourceAt } from './thread';
import { LEAF_OUTCOMES, outcomesAt } from './settlement';
import { bankOf, copyBank } from './banks';
import { finish } from './hand-over';

const LEDGER_RECEIVED: usize = 0, LEDGER_GIVEN: usize = 4, LEDGER_LOW: usize = 8, LEDGER_BYTES: usize = 12, LEDGER_ENDS: usize = 20, LEDGER_RECORDS: usize = 24, LEDGER_SETTLED: usize = 28, LEDGER_COUNTS: usize = 32;

// Counts an ordinal, or each record of a parcel that ended one by one, by the worst of some leaves.
function countOn(counts: usize, s: usize, ordinal: u32, leaves: u32): void {
  const e = entryAt(s, ordinal), count = load<u32>(e, ENTRY_COUNT), at = outcomesAt(s, ordinal);
  if (!load<u32>(e, ENTRY_SPLIT)) {
    let worst: u32 = 1;
    for (let m = leaves; m; m &= m - 1) { const c = <u32>load<u8>(at + <usize>ctz(m)); if (c > worst) worst = c; }
    const w = counts + (<usize>(worst - 1) << 2);
    store<u32>(w, load<u32>(w) + count);
    return;
  }
  const records = load<u32>(s, SOURCE_OUTCOME_RECORDS), n = count < records ? count : records;
  for (let i: u32 = 0; i < n; i++) {
    let worst: u32 = 1;
    for (let m = leaves; m; m &= m - 1) {
      const l = <u32>ctz(m);
      let c = <u32>load<u8>(at + LEAF_OUTCOMES + <usize>(l * records + i));
      if (c == 0) c = <u32>load<u8>(at + <usize>l);
      if (c > worst) worst = c;
    }
    const w = counts + (<usize>(worst - 1) << 2);
    store<u32>(w, load<u32>(w) + 1);
  }
}
// Counts the ordinals before `to` for each sink of a source that has several. A thread that died behind the publishing store
// had counted some of them already: the bank's own watermark says where to go on.
function countViews(s: usize, to: u32): void {
  const v = <usize>load<u32>(s, SOURCE_VIEWS), w = load<u32>(v, VIEWS_WORD), bytes = <usize>load<u32>(v, VIEWS_BANK_BYTES), live = v + VIEWS_BANKS + <usize>(w & 1) * bytes, idle = v + VIEWS_BANKS + <usize>((w + 1) & 1) * bytes, views = load<u32>(v, VIEWS_COUNT);
  let n = load<u32>(live);
  if (<i32>(to - n) <= 0) return;
  for (let i: usize = 0; i < bytes; i += 16) v128.store(idle + i, v128.load(live + i));
  for (; n != to; n++)
    for (let i: u32 = 0; i < views; i++) countOn(idle + VIEWS_COUNTS + (<usize>i << 7), s, n, load<u32>(v + VIEWS_MASKS + (<usize>i << 2)));
  store<u32>(idle, to); pt(85);
  atomic.store<u32>(v + VIEWS_WORD, w + 1); pt(86); // publishes: the counts of the sinks
}
function allLeaves(s: usize): u32 {
  const n = (load<u32>(s, SOURCE_OUTCOME_STRIDE) - <u32>LEAF_OUTCOMES) / load<u32>(s, SOURCE_OUTCOME_RECORDS);
  return n >= 32 ? 0xFFFFFFFF : (1 << n) - 1;
}
// Clears what the last ordinal of an entry left.
export function clearOutcomes(s: usize, ordinal: u32, count: u32): void {
  const records = load<u32>(s, SOURCE_OUTCOME_RECORDS), at = outcomesAt(s, ordinal), n = count < records ? count : records;
  memory.fill(at, 0, LEAF_OUTCOMES);
  const all = (load<u32>(s, SOURCE_OUTCOME_STRIDE) - <u32>LEAF_OUTCOMES) / records;
  for (let l: u32 = 0; l < all; l++) memory.fill(at + LEAF_OUTCOMES + <usize>(l * records), 0, n);
}

/** Commit of an ingress: opens the ordinal's entry, counts `count` frames as received (0: the end of a series), hands the outputs of the line over. */
export function commitFrame(source: u32, leaves: u32, outputs: i32, bytes: u32, count: u32): i32 {
  if (!enter()) return -2;
  const s = sourceAt(source), w = load<u32>(T, LINE_RECORD), live = bankOf(w), idle = bankOf(w + 2), n = load<u32>(live, LEDGER_GIVEN), e = entryAt(s, n);
  atomic.store<u32>(e, n - 1); // later than what it was, earlier than what comes: whoever reads the bits below reads the ordinal again
  store<u32>(e, 0, ENTRY_OUTCOME); store<u32>(e, leaves, ENTRY_OPEN); store<u32>(e, leaves, ENTRY_OWED); store<u32>(e, EMPTY, ENTRY_BELOW); store<u32>(e, count, ENTRY_COUNT); store<u32>(e, 0, ENTRY_SPLIT);
  if (load<u32>(s, SOURCE_OUTCOME_RECORDS)) clearOutcomes(s, n, count);
  pt(67);
  atomic.store<u32>(e, n); pt(68); // publishes: the entry
  store<i32>(T, 0, LINE_INPUTS); store<i32>(T, outputs, LINE_OUTPUTS); store<i32>(T, 0, LINE_SETTLEMENTS);
  copyBank(idle, live);
  store<u32>(idle, n + 1, LEDGER_GIVEN); store<u32>(idle, load<u32>(live, LEDGER_ENDS) + (count == 0 ? 1 : 0), LEDGER_ENDS); store<u32>(idle, load<u32>(live, LEDGER_RECORDS) + count, LEDGER_RECORDS); store<u32>(idle, load<u32>(live, LEDGER_RECEIVED) + count, LEDGER_RECEIVED); store<u32>(idle, load<u32>(live, LEDGER_BYTES) + bytes, LEDGER_BYTES);
  if (load<u32>(idle, LEDGER_BYTES) < bytes) store<u32>(idle, load<u32>(idle, LEDGER_BYTES + 4) + 1, LEDGER_BYTES + 4);
  pt(69); atomic.store<u32>(T + LINE_RECORD, (w + 2) | 1); pt(72); // publishes: the frame is received
  return finish(0);
}
/** Counts a message that became no frame: received, and dead by its reason. */
export function refuse(code: u32): i32 {
  if (!enter()) return -2;
  const w = load<u32>(T, LINE_RECORD), live = bankOf(w), idle = bankOf(w + 2), at = idle + LEDGER_COUNTS + (<usize>code << 2);
  copyBank(idle, live);
  store<u32>(idle, load<u32>(live, LEDGER_RECEIVED) + 1, LEDGER_RECEIVED); store<u32>(at, load<u32>(at) + 1); pt(75);
  atomic.store<u32>(T + LINE_RECORD, w + 2); // publishes: the count
  leave(); return 1;
}
/** Counts every settled ordinal from the lowest on, once, by its worst outcome (on the leaves of required sinks, where there are several), and frees its entry. Returns how many it counted. */
export function sweep(source: u32, atMost: i32): i32 {
  if (!enter()) return -2;
  const s = sourceAt(source), w = load<u32>(T, LINE_RECORD), live = bankOf(w), idle = bankOf(w + 2), given = load<u32>(live, LEDGER_GIVEN), v = <usize>load<u32>(s, SOURCE_VIEWS);
  let low = load<u32>(live, LEDGER_LOW), n = 0;
  while (n < atMost && low != given) {
    const e = entryAt(s, low);
    if (atomic.load<u32>(e + ENTRY_OWED) != 0) break; // acquires: the outcome
    if (n == 0) copyBank(idle, live);
    const count = load<u32>(e, ENTRY_COUNT);
    if (v) countOn(idle + LEDGER_COUNTS, s, low, load<u32>(v, VIEWS_HEADLINE));
    else if (load<u32>(e, ENTRY_SPLIT)) countOn(idle + LEDGER_COUNTS, s, low, allLeaves(s));
    else { const at = idle + LEDGER_COUNTS + (<usize>(31 - clz(atomic.load<u32>(e + ENTRY_OUTCOME))) << 2); store<u32>(at, load<u32>(at) + count); }
    store<u32>(idle, load<u32>(idle, LEDGER_SETTLED) + count, LEDGER_SETTLED); low++; n++;
  }
  if (n && v) countViews(s, low);
  if (n) { store<u32>(idle, low, LEDGER_LOW); pt(76); atomic.store<u32>(T + LINE_RECORD, w + 2); pt(77); } // publishes: counts and watermark
  leave(); return n;
}
