// Ring, slot, commit and settlement operations over the arena. One instance a thread; every word is little-endian.
//
// The algorithms and who writes each word: ../README.md. Offsets: ../ring-layout.ts, the same numbers (a test compares them).
// Claiming and publishing are one compare-exchange, so a thread that dies anywhere leaves no hole, and what it held can be decided.
// What only the census reads (place words, the record once it is done, the bits of a slot that is on no ring yet) is stored
// plainly: the census comes after the thread left its call, or ended, and either makes all of it visible.
// FAULT builds call die(step) at every numbered step pt(step), so that a test can end a thread there.
// Results: a reference or a count, -1 nothing there, -2 the gate is closed and nothing was done.
// @ts-ignore
@external("env", "die") declare function die(step: i32): void;
const FAULT: bool = false;

const EMPTY: u32 = 0xFFFFFFFF;
export const RING_HEAD: usize = 0, RING_TAIL: usize = 128, RING_MASK: usize = 256, RING_LIMIT: usize = 260, RING_EDGE: usize = 264, RING_ITEM_BELL: usize = 268, RING_SPACE_BELL: usize = 272;
export const RING_KIND: usize = 276, RING_LEAVES: usize = 280, RING_POLICY: usize = 284, RING_EVERY: usize = 288, RING_SOURCES: usize = 292, RING_ARRAY_STRIDE: usize = 296, RING_FIRST_SLOT: usize = 304, RING_PAYLOADS: usize = 308, RING_SLOT_BYTES: usize = 312, RING_LANE: usize = 316, RING_CELLS: usize = 384;
export const ARRAY_NEXT: usize = 0, ARRAY_LEAF_MASK: usize = 8, ARRAY_CELLS: usize = 128;
export const BELL_SLEEPERS: usize = 0, BELL_PARK: usize = 4;
export const LINE_BUSY: usize = 0, LINE_FAULT_COUNTDOWN: usize = 4, LINE_FAULT_STEP: usize = 8, LINE_RECORD: usize = 256, LINE_INPUTS: usize = 260, LINE_OUTPUTS: usize = 264, LINE_SETTLEMENTS: usize = 268;
export const LINE_DROP: usize = 288, LINE_DROP_REF: usize = 292, LINE_DROP_SOURCE: usize = 296, LINE_DROP_ORDINAL: usize = 300, LINE_DROP_LEAVES: usize = 304, LINE_DROP_CODE: usize = 308;
export const LINE_INPUT_REFS: usize = 640, LINE_OUTPUT_REFS: usize = 896, LINE_SETTLE_ITEMS: usize = 1408, LINE_BATCH: usize = 2688;
export const SLOT_BITS: usize = 0, SLOT_ATTEMPTS: usize = 4, SLOT_NEXT: usize = 8, SLOT_POOL: usize = 12, SLOT_PAYLOAD: usize = 16, SLOT_CAPACITY: usize = 20, SLOT_SOURCE: usize = 28, SLOT_ORDINAL: usize = 32, SLOT_KIND: usize = 64, SLOT_PLACE: usize = 4;
export const SOURCE_TABLE: usize = 0, SOURCE_TABLE_MASK: usize = 4, SOURCE_BELL: usize = 8, SOURCE_ORDERED: usize = 12, SOURCE_ORDERED_LIST: usize = 16, SOURCE_OUTCOMES: usize = 480, SOURCE_OUTCOME_STRIDE: usize = 484, SOURCE_OUTCOME_RECORDS: usize = 488;
export const ENTRY_ORDINAL: usize = 0, ENTRY_OPEN: usize = 4, ENTRY_OWED: usize = 8, ENTRY_OUTCOME: usize = 12, ENTRY_BELOW: usize = 16, ENTRY_COUNT: usize = 20, ENTRY_SPLIT: usize = 28;
const ENTRY_BYTES: usize = 32, SOURCE_BYTES: usize = 1024;
const LEDGER_RECEIVED: usize = 0, LEDGER_GIVEN: usize = 4, LEDGER_LOW: usize = 8, LEDGER_BYTES: usize = 12, LEDGER_ENDS: usize = 20, LEDGER_RECORDS: usize = 24, LEDGER_SETTLED: usize = 28, LEDGER_COUNTS: usize = 32;
const BANK_FRAMES: usize = 0, BANK_OUTPUTS: usize = 4, BANK_BYTES: usize = 8, BANK_DROPS: usize = 16;
// A settlement's code, or from here on the address of a byte for each record. Leaves' bytes before those of the records.
const MAX_CODES: u32 = 32, LEAF_OUTCOMES: usize = 32;
const FIFO: u32 = 0;
/** Flag of a frame's kind: the last of its series, which no sample leaves out. */
export const FLAG_ENDS: u32 = 1 << 16;
const BLOCK: u32 = 0, DROP_NEWEST: u32 = 1, DROP_OLDEST: u32 = 2, LATEST: u32 = 3, SAMPLE: u32 = 4;
// Outcome codes, as in ../../observe/outcome.ts: the number of the bit that a settlement sets.
export const CODE_DROP_NEWEST: u32 = 8, CODE_DROP_OLDEST: u32 = 9, CODE_LATEST: u32 = 10, CODE_SAMPLED: u32 = 11, CODE_SUPERSEDED: u32 = 12;

let TID: u32 = 0, T: usize = 0, GATE: usize = 0, SLOTS: usize = 0, STRIDE: usize = 0, SOURCES: usize = 0, BANKS: usize = 0, BANK_STRIDE: usize = 0, POISON: bool = false;
/** Position of the reference that this thread popped last. */
let POPPED: u32 = 0;
/** Sum of what was touched, so that the loads are kept. */
let TOUCHED: u32 = 0;

/** Binds the instance to a thread: its number and line, the gate, the slot headers, the source blocks, its two banks of counters. */
export function attach(tid: u32, line: usize, gate: usize, slots: usize, stride: usize, sources: usize, banks: usize, bankStride: usize, poison: u32): void {
  TID = tid; T = line; GATE = gate; SLOTS = slots; STRIDE = stride; SOURCES = sources; BANKS = banks; BANK_STRIDE = bankStride; POISON = poison != 0;
}
@inline function pt(step: i32): void {
  if (FAULT) { const n = load<i32>(T, LINE_FAULT_COUNTDOWN), only = load<i32>(T, LINE_FAULT_STEP); if (n > 0 && (only == 0 || only == step)) { store<i32>(T, n - 1, LINE_FAULT_COUNTDOWN); if (n == 1) die(step); } }
}
@inline function headerOf(ref: u32): usize { return SLOTS + <usize>(ref & 0xFFFFFF) * STRIDE; }
// Place words lie below the header, downwards: the first six share a cache line with the bits.
@inline function placeAt(header: usize, branch: u32): usize { return header - SLOT_PLACE - (<usize>branch << 2); }
@inline function placeOf(ref: u32): usize { return placeAt(headerOf(ref), ref >> 24); }
@inline function heldFrom(edge: u32): u32 { return edge | ((TID + 1) << 16); }
@inline function sourceAt(source: u32): usize { return SOURCES + <usize>source * SOURCE_BYTES; }
@inline function entryAt(source: usize, ordinal: u32): usize { return <usize>load<u32>(source, SOURCE_TABLE) + <usize>(ordinal & load<u32>(source, SOURCE_TABLE_MASK)) * ENTRY_BYTES; }
@inline function leavesOf(r: usize, ref: u32): u32 { return load<u32>(<usize>load<u32>(r, RING_LEAVES) + (<usize>load<u32>(headerOf(ref), SLOT_SOURCE) << 7) + (<usize>(ref >> 24) << 2)); }

// ---- gate -------------------------------------------------------------------------------------------------------------------
// Busy first, then the gate: whoever closes the gate and then sees busy 0 knows that this thread is outside.
@inline function enter(): bool {
  atomic.store<u32>(T + LINE_BUSY, 1); pt(1);
  if (atomic.load<u32>(GATE) != 0) { atomic.store<u32>(T + LINE_BUSY, 0); return false; }
  return true;
}
@inline function leave(): void { pt(2); atomic.store<u32>(T + LINE_BUSY, 0); pt(3); }

// ---- bells ------------------------------------------------------------------------------------------------------------------
@inline function ring(bell: usize): void { const mask = atomic.load<u32>(bell); if (mask) wakeOne(bell, mask); }
function wakeOne(bell: usize, seen: u32): void {
  let mask = seen;
  do {
    const bit = mask & (0 - mask), old = atomic.and<u32>(bell, ~bit); pt(30);
    if (old & bit) { const park = <usize>load<u32>(bell + BELL_PARK + (<usize>ctz(bit) << 2)); atomic.add<u32>(park, 1); pt(31); atomic.notify(park, 1); return; }
    mask = old & ~bit;
  } while (mask);
}
function ringAll(bell: usize): void {
  let mask = atomic.load<u32>(bell);
  if (mask == 0) return;
  mask = atomic.xchg<u32>(bell, 0); pt(32);
  while (mask) { const bit = mask & (0 - mask), park = <usize>load<u32>(bell + BELL_PARK + (<usize>ctz(bit) << 2)); atomic.add<u32>(park, 1); atomic.notify(park, 1); mask &= ~bit; }
}

// ---- FIFO -------------------------------------------------------------------------------------------------------------------
// 1 pushed, 0 full. The place word says ON before the cell is published; on full it says again what it said.
function pushCell(r: usize, ref: u32): i32 {
  const mask = load<u32>(r, RING_MASK), limit = load<u32>(r, RING_LIMIT), place = placeOf(ref);
  let was: u32 = 0, stored = false;
  while (true) {
    const t = atomic.load<u32>(r + RING_TAIL), c = r + RING_CELLS + (<usize>(t & mask) << 3), v = atomic.load<u64>(c); // acquires: the cell
    const ahead = <i32>(<u32>v - t);
    if (ahead == 0 && <u32>(v >> 32) == EMPTY) {
      if (limit <= mask) { // a limit below the cells: full when the reference that many positions back is still there
        const p = t - limit, w = atomic.load<u64>(r + RING_CELLS + (<usize>(p & mask) << 3));
        if (<u32>w == p && <u32>(w >> 32) != EMPTY) { if (stored) store<u32>(place, was); return 0; }
      }
      if (!stored) { was = load<u32>(place); pt(10); store<u32>(place, load<u32>(r, RING_EDGE)); stored = true; pt(11); }
      if (atomic.cmpxchg<u64>(c, v, (<u64>ref << 32) | <u64>t) == v) { // publishes: the reference and all that was written before
        pt(12); store<u32>(r, t + 1, RING_TAIL); pt(13);
        ring(load<u32>(r, RING_ITEM_BELL));
        return 1;
      }
    } else if (ahead < 0) { if (stored) store<u32>(place, was); return 0; }
    else { pt(14); atomic.cmpxchg<u32>(r + RING_TAIL, t, t + 1); }
  }
}
function popCell(r: usize): u32 {
  const mask = load<u32>(r, RING_MASK);
  while (true) {
    const h = atomic.load<u32>(r), c = r + RING_CELLS + (<usize>(h & mask) << 3), v = atomic.load<u64>(c), ref = <u32>(v >> 32);
    if (<u32>v == h) {
      if (ref == EMPTY) return EMPTY;
      pt(20);
      if (atomic.cmpxchg<u64>(c, v, (<u64>EMPTY << 32) | <u64>(h + mask + 1)) == v) { pt(21); store<u32>(r, h + 1); pt(22); POPPED = h; return ref; }
    } else { pt(23); atomic.cmpxchg<u32>(r, h, h + 1); }
  }
}
// A producer that found the ring full is woken when half of it is free: woken for each place, it would sleep once a frame.
// Counted from the position that was popped, not from the head, which lags: whoever takes the last reference counts none.
@inline function ringHalfEmpty(r: usize): void {
  const bell = <usize>load<u32>(r, RING_SPACE_BELL), mask = atomic.load<u32>(bell);
  if (mask != 0 && <i32>(atomic.load<u32>(r + RING_TAIL) - POPPED - 1) <= <i32>(load<u32>(r, RING_LIMIT) >> 1)) wakeOne(bell, mask);
}
// Reads the payload's first line while the place word is still on its way: two misses at a time, and the reader finds it there.
@inline function touch(r: usize, ref: u32): void {
  TOUCHED += load<u32>(<usize>load<u32>(r, RING_PAYLOADS) + <usize>((ref & 0xFFFFFF) - load<u32>(r, RING_FIRST_SLOT)) * <usize>load<u32>(r, RING_SLOT_BYTES));
}
@inline function takeFifo(r: usize): u32 {
  const ref = popCell(r);
  if (ref != EMPTY) { store<u32>(placeOf(ref), heldFrom(load<u32>(r, RING_EDGE))); pt(24); touch(r, ref); ringHalfEmpty(r); }
  return ref;
}

// The cells first, then the place words: their stores miss the cache, and a compare-exchange between them would wait for each.
function takeBatch(r: usize, from: i32, n: i32): i32 {
  let i = from;
  for (; i < n; i++) { const ref = popCell(r); if (ref == EMPTY) break; store<u32>(T + LINE_BATCH + (<usize>i << 2), ref); }
  if (i == from) return i;
  const held = heldFrom(load<u32>(r, RING_EDGE));
  for (let k = from; k < i; k++) { const ref = load<u32>(T + LINE_BATCH + (<usize>k << 2)); store<u32>(placeOf(ref), held); pt(24); touch(r, ref); }
  ringHalfEmpty(r);
  return i;
}

// ---- slots ------------------------------------------------------------------------------------------------------------------
// The free ring holds slot numbers; bits == 0 is the whole truth about them, so no place word is kept.
function freeSlot(slot: u32): void {
  const h = headerOf(slot), r = <usize>load<u32>(h, SLOT_POOL), mask = load<u32>(r, RING_MASK);
  if (POISON) memory.fill(load<u32>(h, SLOT_PAYLOAD), 0xDE, load<u32>(h, SLOT_CAPACITY));
  while (true) {
    const t = atomic.load<u32>(r + RING_TAIL), c = r + RING_CELLS + (<usize>(t & mask) << 3), v = atomic.load<u64>(c);
    if (<u32>v == t && <u32>(v >> 32) == EMPTY) {
      if (atomic.cmpxchg<u64>(c, v, (<u64>slot << 32) | <u64>t) == v) { pt(43); store<u32>(r, t + 1, RING_TAIL); ring(load<u32>(r, RING_ITEM_BELL)); return; }
    } else atomic.cmpxchg<u32>(r + RING_TAIL, t, t + 1);
  }
}
// Whoever clears the last bit frees the slot and the chain behind it, reading each link before the slot is given away.
@inline function dropBit(ref: u32): void {
  const h = headerOf(ref), bit: u32 = 1 << (ref >> 24);
  pt(40);
  let last = atomic.load<u32>(h) == bit; // nobody else holds it, and only a holder could add a bit
  if (last) store<u32>(h, 0); else last = atomic.and<u32>(h, ~bit) == bit;
  if (last) {
    pt(41);
    let slot = ref & 0xFFFFFF;
    do { const next = load<u32>(headerOf(slot), SLOT_NEXT); freeSlot(slot); slot = next; } while (slot != EMPTY);
  }
  pt(42);
}
@inline function own(slot: u32): void {
  const h = headerOf(slot);
  pt(50); store<u32>(h, EMPTY, SLOT_NEXT); store<u32>(h, 0, SLOT_ATTEMPTS); store<u32>(placeAt(h, 0), heldFrom(0)); pt(51); store<u32>(h, 1); pt(52);
}
@inline function claimFrom(pool: usize): u32 { const slot = popCell(pool); if (slot != EMPTY) own(slot); return slot; }

// ---- settlement -------------------------------------------------------------------------------------------------------------
// or(outcome), and(open), and(owed), in this order; each may be done again. An entry of another ordinal is not touched.
// Of a parcel, `code` is for the records that have not ended on the leaf before: it stands in the leaf's byte.
function settle(source: u32, ordinal: u32, leaves: u32, code: u32): void {
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

@inline function outcomesAt(s: usize, ordinal: u32): usize { return <usize>load<u32>(s, SOURCE_OUTCOMES) + <usize>(ordinal & load<u32>(s, SOURCE_TABLE_MASK)) * <usize>load<u32>(s, SOURCE_OUTCOME_STRIDE); }
// Ends records of a parcel on leaves that this record's reference still has: before its outputs go on, whose settlements
// publish it. `from` has a byte for each record; no two references of an ordinal have a leaf in common, so nobody else writes here.
function settleEach(source: u32, ordinal: u32, leaves: u32, from: usize): void {
  const s = sourceAt(source), e = entryAt(s, ordinal);
  if (atomic.load<u32>(e) != ordinal || load<u32>(s, SOURCE_OUTCOMES) == 0) return;
  const records = load<u32>(s, SOURCE_OUTCOME_RECORDS), count = load<u32>(e, ENTRY_COUNT), n = count < records ? count : records, at = outcomesAt(s, ordinal) + LEAF_OUTCOMES;
  store<u32>(e, 1, ENTRY_SPLIT); pt(83);
  for (let m = leaves; m; m &= m - 1) {
    const to = at + <usize>ctz(m) * <usize>records;
    for (let i: u32 = 0; i < n; i++) { const c = load<u8>(from + <usize>i); if (c) store<u8>(to + <usize>i, c); }
    pt(84);
  }
}
function settleRecords(): void {
  for (let i = 0, n = load<i32>(T, LINE_SETTLEMENTS); i < n; i++) { const q = T + LINE_SETTLE_ITEMS + (<usize>i << 4), code = load<u32>(q, 12); if (code >= MAX_CODES) settleEach(load<u32>(q), load<u32>(q, 4), load<u32>(q, 8), <usize>code); }
}
// Counts each record of a parcel by its worst leaf.
function countEach(bank: usize, s: usize, ordinal: u32, count: u32): void {
  const records = load<u32>(s, SOURCE_OUTCOME_RECORDS), leaves = (load<u32>(s, SOURCE_OUTCOME_STRIDE) - <u32>LEAF_OUTCOMES) / records, at = outcomesAt(s, ordinal), n = count < records ? count : records;
  for (let i: u32 = 0; i < n; i++) {
    let worst: u32 = 1;
    for (let l: u32 = 0; l < leaves; l++) {
      let c = <u32>load<u8>(at + LEAF_OUTCOMES + <usize>(l * records + i));
      if (c == 0) c = <u32>load<u8>(at + <usize>l);
      if (c > worst) worst = c;
    }
    const w = bank + LEDGER_COUNTS + (<usize>(worst - 1) << 2);
    store<u32>(w, load<u32>(w) + 1);
  }
}
// Clears what the last ordinal of an entry left.
function clearOutcomes(s: usize, ordinal: u32, count: u32): void {
  const records = load<u32>(s, SOURCE_OUTCOME_RECORDS), at = outcomesAt(s, ordinal), n = count < records ? count : records;
  memory.fill(at, 0, LEAF_OUTCOMES);
  const all = (load<u32>(s, SOURCE_OUTCOME_STRIDE) - <u32>LEAF_OUTCOMES) / records;
  for (let l: u32 = 0; l < all; l++) memory.fill(at + LEAF_OUTCOMES + <usize>(l * records), 0, n);
}

// ---- drops by policy: a record of their own, so that a death in the middle is finished and counted once ------------------------
function dropCounted(ref: u32, leaves: u32, code: u32): void {
  const h = headerOf(ref);
  store<u32>(T, ref, LINE_DROP_REF); store<u32>(T, load<u32>(h, SLOT_SOURCE), LINE_DROP_SOURCE); store<u32>(T, load<u32>(h, SLOT_ORDINAL), LINE_DROP_ORDINAL);
  store<u32>(T, leaves, LINE_DROP_LEAVES); store<u32>(T, code, LINE_DROP_CODE); pt(80);
  const w = load<u32>(T, LINE_DROP) + 2;
  atomic.store<u32>(T + LINE_DROP, w | 1); pt(81); // publishes: the drop
  settle(load<u32>(T, LINE_DROP_SOURCE), load<u32>(T, LINE_DROP_ORDINAL), leaves, code);
  dropBit(ref); pt(82);
  store<u32>(T, w, LINE_DROP);
}
@inline function dropFrom(r: usize, ref: u32, code: u32): void { dropCounted(ref, leavesOf(r, ref), code); }

// ---- ordered rings: one array a source, a cell goes {n, EMPTY} -> {n, ref} -> {n + window, EMPTY} -----------------------------
@inline function arrayAt(r: usize, source: u32): usize { return r + RING_CELLS + <usize>source * load<u32>(r, RING_ARRAY_STRIDE); }
// 1 put, 0 its cell is still an earlier ordinal's, 2 its cell is a later ordinal's already (a dropping edge went past it)
function putOrdered(r: usize, ref: u32): i32 {
  const h = headerOf(ref), n = load<u32>(h, SLOT_ORDINAL), mask = load<u32>(r, RING_MASK), a = arrayAt(r, load<u32>(h, SLOT_SOURCE));
  const c = a + ARRAY_CELLS + (<usize>(n & mask) << 3), v = atomic.load<u64>(c), ahead = <i32>(<u32>v - n);
  if (ahead < 0) return 0;
  if (ahead > 0 || <u32>(v >> 32) != EMPTY) return 2;
  const place = placeOf(ref), was = load<u32>(place); pt(15);
  store<u32>(place, load<u32>(r, RING_EDGE)); pt(16);
  if (atomic.cmpxchg<u64>(c, v, (<u64>ref << 32) | <u64>n) == v) { pt(17); if (atomic.load<u32>(a) == n || load<u32>(r, RING_POLICY) == LATEST) ringAll(load<u32>(r, RING_ITEM_BELL)); return 1; } // publishes: the reference
  store<u32>(place, was);
  return 2;
}
// Who waits for the window is woken at every half of it. It waited for a position a whole window on, so one half is passed at least.
@inline function passCell(r: usize, a: usize, n: u32): void { atomic.cmpxchg<u32>(a, n, n + 1); pt(26); if (((n + 1) & (load<u32>(r, RING_MASK) >> 1)) == 0) ringAll(load<u32>(r, RING_SPACE_BELL)); }
// May ordinal n be passed over? Its entry says that no leaf below this edge is open, or belongs to a later ordinal.
@inline function settledBelow(a: usize, source: u32, n: u32): bool {
  const e = entryAt(sourceAt(source), n), at = <i32>(atomic.load<u32>(e) - n); // acquires: the ordinal first, then the bits
  if (at != 0) return at > 0;
  if ((atomic.load<u32>(e + ENTRY_OPEN) & load<u32>(a, ARRAY_LEAF_MASK)) == 0) return true;
  return atomic.load<u32>(e) != n; // were these the bits of the entry's next ordinal?
}
function takeOrdered(r: usize, source: u32): u32 {
  const mask = load<u32>(r, RING_MASK), a = arrayAt(r, source);
  while (true) {
    const n = atomic.load<u32>(a), c = a + ARRAY_CELLS + (<usize>(n & mask) << 3), v = atomic.load<u64>(c), ref = <u32>(v >> 32);
    if (<u32>v != n) { atomic.cmpxchg<u32>(a, n, n + 1); continue; } // help
    if (ref == EMPTY) {
      if (!settledBelow(a, source, n)) return EMPTY;
      if (atomic.cmpxchg<u64>(c, v, (<u64>EMPTY << 32) | <u64>(n + mask + 1)) == v) passCell(r, a, n);
    } else if (atomic.cmpxchg<u64>(c, v, (<u64>EMPTY << 32) | <u64>(n + mask + 1)) == v) {
      pt(25); store<u32>(placeOf(ref), heldFrom(load<u32>(r, RING_EDGE))); passCell(r, a, n);
      // Another consumer may take the next one, and nobody rings for what was there before.
      if (<u32>(atomic.load<u64>(a + ARRAY_CELLS + (<usize>((n + 1) & mask) << 3)) >> 32) != EMPTY) ring(load<u32>(r, RING_ITEM_BELL));
      return ref;
    }
  }
}
// Moves a dropping array on by one: the oldest is dropped, or a hole is closed (who comes late is superseded).
function forceOrdered(r: usize, source: u32, code: u32): void {
  const mask = load<u32>(r, RING_MASK), a = arrayAt(r, source), n = atomic.load<u32>(a), c = a + ARRAY_CELLS + (<usize>(n & mask) << 3), v = atomic.load<u64>(c), ref = <u32>(v >> 32);
  if (<u32>v != n) { atomic.cmpxchg<u32>(a, n, n + 1); return; }
  if (atomic.cmpxchg<u64>(c, v, (<u64>EMPTY << 32) | <u64>(n + mask + 1)) != v) return;
  if (ref != EMPTY) { store<u32>(placeOf(ref), heldFrom(load<u32>(r, RING_EDGE))); pt(27); }
  passCell(r, a, n);
  if (ref != EMPTY) dropFrom(r, ref, code); // settles, and so rings
  else if (<u32>(atomic.load<u64>(a + ARRAY_CELLS + (<usize>((n + 1) & mask) << 3)) >> 32) != EMPTY) ringAll(load<u32>(r, RING_ITEM_BELL)); // what stood behind the hole may be taken
}
function takeOrderedLatest(r: usize, source: u32): u32 {
  const mask = load<u32>(r, RING_MASK), a = arrayAt(r, source);
  while (true) {
    const n = atomic.load<u32>(a);
    let newest = n, found = false;
    for (let k: u32 = 0; k <= mask; k++) { const v = atomic.load<u64>(a + ARRAY_CELLS + (<usize>((n + k) & mask) << 3)); if (<u32>v == n + k && <u32>(v >> 32) != EMPTY) { newest = n + k; found = true; } }
    if (!found || newest == n) return takeOrdered(r, source);
    forceOrdered(r, source, CODE_LATEST);
  }
}

// ---- handing over -----------------------------------------------------------------------------------------------------------
// 1 done (on the ring, or dropped by its policy and counted), 0 a blocking edge is full
function give(r: usize, ref: u32): i32 {
  const policy = load<u32>(r, RING_POLICY);
  if (policy == SAMPLE && load<u32>(headerOf(ref), SLOT_ORDINAL) % load<u32>(r, RING_EVERY) != 0 && !(load<u32>(headerOf(ref), SLOT_KIND) & FLAG_ENDS)) { dropFrom(r, ref, CODE_SAMPLED); return 1; }
  const fifo = load<u32>(r, RING_KIND) == FIFO;
  while (true) {
    const k = fifo ? pushCell(r, ref) : putOrdered(r, ref);
    if (k == 1) return 1;
    if (k == 2) { dropFrom(r, ref, CODE_SUPERSEDED); return 1; }
    if (policy == BLOCK || policy == SAMPLE) return 0;
    if (policy == DROP_NEWEST) { dropFrom(r, ref, CODE_DROP_NEWEST); return 1; }
    const code = policy == LATEST ? CODE_LATEST : CODE_DROP_OLDEST;
    if (fifo) { const old = takeFifo(r); if (old != EMPTY) dropFrom(r, old, code); }
    else forceOrdered(r, load<u32>(headerOf(ref), SLOT_SOURCE), code);
  }
}
function takeAny(r: usize, from: u32): u32 {
  const lane = <usize>load<u32>(r, RING_LANE); // what the dead held, all of it older than what the edge holds
  if (lane) { const ref = takeFifo(lane); if (ref != EMPTY) return ref; }
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
function finish(from: i32): i32 {
  const outputs = load<i32>(T, LINE_OUTPUTS);
  if (from == 0) settleRecords();
  for (let i = from; i < outputs; i++) { const o = T + LINE_OUTPUT_REFS + (<usize>i << 3); if (!give(load<u32>(o, 4), load<u32>(o))) { leave(); return i; } pt(73); }
  for (let i = 0, n = load<i32>(T, LINE_SETTLEMENTS); i < n; i++) { const q = T + LINE_SETTLE_ITEMS + (<usize>i << 4), code = load<u32>(q, 12); if (code < MAX_CODES) settle(load<u32>(q), load<u32>(q, 4), load<u32>(q, 8), code); }
  for (let i = 0, n = load<i32>(T, LINE_INPUTS); i < n; i++) dropBit(load<u32>(T + LINE_INPUT_REFS + (<usize>i << 2)));
  pt(74); store<u32>(T, load<u32>(T, LINE_RECORD) & ~1, LINE_RECORD);
  leave(); return outputs;
}
@inline function bankOf(word: u32): usize { return BANKS + <usize>((word >> 1) & 1) * BANK_STRIDE; }
// 160 bytes; memory.copy would leave the module for a function of the engine each time.
@inline function copyBank(to: usize, from: usize): void {
  v128.store(to, v128.load(from)); v128.store(to, v128.load(from, 16), 16); v128.store(to, v128.load(from, 32), 32); v128.store(to, v128.load(from, 48), 48); v128.store(to, v128.load(from, 64), 64);
  v128.store(to, v128.load(from, 80), 80); v128.store(to, v128.load(from, 96), 96); v128.store(to, v128.load(from, 112), 112); v128.store(to, v128.load(from, 128), 128); v128.store(to, v128.load(from, 144), 144);
}

// ---- what threads call --------------------------------------------------------------------------------------------------------
export function claim(pool: usize): i32 { if (!enter()) return -2; const k = claimFrom(pool); leave(); return <i32>k; }
/** Up to n slots into the batch of the line. As in takeBatch, cells first; the store fetches the payload's first line for who will write it. */
export function claimN(pool: usize, n: i32): i32 {
  if (!enter()) return -2;
  let i = 0;
  for (; i < n; i++) { const slot = popCell(pool); if (slot == EMPTY) break; store<u32>(T + LINE_BATCH + (<usize>i << 2), slot); }
  for (let k = 0; k < i; k++) { const slot = load<u32>(T + LINE_BATCH + (<usize>k << 2)); own(slot); if (i > 1) store<u32>(<usize>load<u32>(headerOf(slot), SLOT_PAYLOAD), 0); }
  leave(); return i;
}
/** Gives back a reference that this thread holds: a slot claimed and not used. */
export function release(ref: u32): i32 { if (!enter()) return -2; dropBit(ref); leave(); return 1; }
export function take(r: usize, from: u32): i32 { if (!enter()) return -2; const k = takeAny(r, from); leave(); return <i32>k; }
/** Up to n references into the batch of the line. */
export function takeN(r: usize, from: u32, n: i32): i32 {
  if (!enter()) return -2;
  let i = 0;
  if (load<u32>(r, RING_KIND) == FIFO && load<u32>(r, RING_POLICY) != LATEST) {
    const lane = <usize>load<u32>(r, RING_LANE);
    if (lane) i = takeBatch(lane, 0, n);
    i = takeBatch(r, i, n);
  }
  else for (; i < n; i++) { const k = takeAny(r, from); if (k == EMPTY) break; store<u32>(T + LINE_BATCH + (<usize>i << 2), k); }
  leave(); return i;
}
/** Gives a slot that this thread holds by branch 0 (just claimed) the branches of a mask: place words first, then the bits. */
export function fanClaimed(slot: u32, branches: u32): i32 {
  if (!enter()) return -2;
  const h = headerOf(slot);
  for (let m = branches; m; m &= m - 1) store<u32>(placeAt(h, ctz(m)), heldFrom(0));
  pt(63); store<u32>(h, branches); pt(64); leave(); return 1;
}
/** Ends a reference that this thread holds, taken from ring r, on the leaves that it serves; by the record of drops, whatever the other record is at. */
export function dropHeld(r: usize, ref: u32, code: u32): i32 { if (!enter()) return -2; dropFrom(r, ref, code); leave(); return 1; }
/** Chains a slot that this thread has claimed behind another: it has no bits of its own any more. Inside the gate: a census between the two stores would see it nowhere. */
export function link(previous: u32, slot: u32): i32 {
  if (!enter()) return -2;
  store<u32>(headerOf(previous), slot, SLOT_NEXT); pt(53); atomic.store<u32>(headerOf(slot), 0); leave(); return 1;
}
/** Adds branches to a slot of which this thread holds a reference. */
export function fanHeld(ref: u32, branches: u32): i32 {
  if (!enter()) return -2;
  const h = headerOf(ref);
  for (let m = branches; m; m &= m - 1) store<u32>(placeAt(h, ctz(m)), heldFrom(0));
  pt(65); atomic.or<u32>(h, branches); pt(66); leave(); return 1;
}
/** Commit of a worker or sink: inputs, outputs and settlements stand in the line. Returns how many outputs were handed over (fewer: wait for room, then resume), or -2 before the commit. */
export function commit(inputs: i32, outputs: i32, settlements: i32, frames: u32, bytes: u32): i32 {
  if (!enter()) return -2;
  store<i32>(T, inputs, LINE_INPUTS); store<i32>(T, outputs, LINE_OUTPUTS); store<i32>(T, settlements, LINE_SETTLEMENTS); pt(70);
  const w = load<u32>(T, LINE_RECORD), idle = bankOf(w + 2), live = bankOf(w);
  store<u32>(idle, load<u32>(live, BANK_FRAMES) + frames, BANK_FRAMES); store<u32>(idle, load<u32>(live, BANK_OUTPUTS) + outputs, BANK_OUTPUTS); store<u64>(idle, load<u64>(live, BANK_BYTES) + <u64>bytes, BANK_BYTES); pt(71);
  atomic.store<u32>(T + LINE_RECORD, (w + 2) | 1); pt(72); // publishes: the whole commit
  return finish(0);
}
export function resume(from: i32): i32 { if (!enter()) return -2; return finish(from); }
/** Commit of an ingress: opens the ordinal's entry, counts `count` frames as received (0: the end of a series), hands the outputs of the line over. */
export function commitFrame(source: u32, leaves: u32, outputs: i32, bytes: u32, count: u32): i32 {
  if (!enter()) return -2;
  const s = sourceAt(source), w = load<u32>(T, LINE_RECORD), live = bankOf(w), idle = bankOf(w + 2), n = load<u32>(live, LEDGER_GIVEN), e = entryAt(s, n);
  atomic.store<u32>(e, n - 1); // later than what it was, earlier than what comes: whoever reads the bits below reads the ordinal again
  store<u32>(e, 0, ENTRY_OUTCOME); store<u32>(e, leaves, ENTRY_OPEN); store<u32>(e, leaves, ENTRY_OWED); store<u32>(e, EMPTY, ENTRY_BELOW); store<u32>(e, count, ENTRY_COUNT); store<u32>(e, 0, ENTRY_SPLIT);
  if (load<u32>(s, SOURCE_OUTCOMES)) clearOutcomes(s, n, count);
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
/** Counts every settled ordinal from the lowest on, once, by its worst outcome, and frees its entry. Returns how many it counted. */
export function sweep(source: u32, atMost: i32): i32 {
  if (!enter()) return -2;
  const s = sourceAt(source), w = load<u32>(T, LINE_RECORD), live = bankOf(w), idle = bankOf(w + 2), given = load<u32>(live, LEDGER_GIVEN);
  let low = load<u32>(live, LEDGER_LOW), n = 0;
  while (n < atMost && low != given) {
    const e = entryAt(s, low);
    if (atomic.load<u32>(e + ENTRY_OWED) != 0) break; // acquires: the outcome
    if (n == 0) copyBank(idle, live);
    const count = load<u32>(e, ENTRY_COUNT);
    if (load<u32>(e, ENTRY_SPLIT)) countEach(idle, s, low, count);
    else { const at = idle + LEDGER_COUNTS + (<usize>(31 - clz(atomic.load<u32>(e + ENTRY_OUTCOME))) << 2); store<u32>(at, load<u32>(at) + count); }
    store<u32>(idle, load<u32>(idle, LEDGER_SETTLED) + count, LEDGER_SETTLED); low++; n++;
  }
  if (n) { store<u32>(idle, low, LEDGER_LOW); pt(76); atomic.store<u32>(T + LINE_RECORD, w + 2); pt(77); } // publishes: counts and watermark
  leave(); return n;
}
// ---- for the census alone: the gate is closed and nobody is inside ----------------------------------------------------------
/** 1 handed over or dropped by the edge's policy, 0 there is no room. */
export function recoverGive(r: usize, ref: u32): i32 { return give(r, ref); }
/** Puts a reference at the tail, whatever the limit says: there are cells for every slot that can come. */
export function recoverPush(r: usize, ref: u32): void { store<u32>(placeOf(ref), load<u32>(r, RING_EDGE)); barePush(r, ref); }
export function recoverPop(r: usize): i32 { return <i32>popCell(r); }
export function recoverSettle(source: u32, ordinal: u32, leaves: u32, code: u32): void { settle(source, ordinal, leaves, code); }
export function recoverSettleEach(source: u32, ordinal: u32, leaves: u32, from: u32): void { settleEach(source, ordinal, leaves, from); }
export function recoverFree(slot: u32): void { freeSlot(slot); }
/** Rings a bell for everybody who sleeps on it. */
export function wakeAll(bell: usize): void { ringAll(bell); }
// ---- for benches: the ring without gate and place words, and the gate alone -----------------------------------------------------
export function barePush(r: usize, ref: u32): i32 {
  const mask = load<u32>(r, RING_MASK);
  while (true) {
    const t = atomic.load<u32>(r + RING_TAIL), c = r + RING_CELLS + (<usize>(t & mask) << 3), v = atomic.load<u64>(c), ahead = <i32>(<u32>v - t);
    if (ahead == 0 && <u32>(v >> 32) == EMPTY) { if (atomic.cmpxchg<u64>(c, v, (<u64>ref << 32) | <u64>t) == v) { atomic.cmpxchg<u32>(r + RING_TAIL, t, t + 1); return 1; } }
    else if (ahead < 0) return 0; else atomic.cmpxchg<u32>(r + RING_TAIL, t, t + 1);
  }
}
export function barePop(r: usize): i32 { return <i32>popCell(r); }
/** Batches, for tests and benches: references of the batch pushed (as outputs without a record); the batch released. */
export function pushN(r: usize, n: i32): i32 { if (!enter()) return -2; let i = 0; for (; i < n; i++) if (!pushCell(r, load<u32>(T + LINE_BATCH + (<usize>i << 2)))) break; leave(); return i; }
export function releaseN(n: i32): i32 { if (!enter()) return -2; for (let i = 0; i < n; i++) dropBit(load<u32>(T + LINE_BATCH + (<usize>i << 2))); leave(); return n; }
