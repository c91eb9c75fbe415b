// The ledger of a source: what its ingress receives, refuses, and counts as settled. The ingress alone writes it.
//
// received, given, low and the other words of a bank change by one store of the record word (./banks.ts). The
// supervisor and the reports read the live bank.
import { addTo, bankOf, COMMITTED, copyBank, nextRecord } from './banks';
import { finish } from './hand-over';
import {
  EMPTY,
  ENTRY_BELOW,
  ENTRY_COUNT,
  ENTRY_OPEN,
  ENTRY_OUTCOME,
  ENTRY_OWED,
  ENTRY_SPLIT,
  GATE_CLOSED,
  LEAF_OUTCOMES,
  LEDGER_BYTES_HIGH,
  LEDGER_BYTES_LOW,
  LEDGER_COUNTS,
  LEDGER_ENDS,
  LEDGER_GIVEN,
  LEDGER_LOW,
  LEDGER_RECEIVED,
  LEDGER_RECORDS,
  LEDGER_SETTLED,
  LINE_INPUTS,
  LINE_OUTPUTS,
  LINE_RECORD,
  LINE_SETTLEMENTS,
  MAX_LEAVES,
  SOURCE_OUTCOME_RECORDS,
  SOURCE_OUTCOME_STRIDE,
  SOURCE_VIEWS,
  VIEWS_BANK_BYTES,
  VIEWS_BANKS,
  VIEWS_COUNT,
  VIEWS_COUNTS,
  VIEWS_HEADLINE,
  VIEWS_MASKS,
  VIEWS_WORD,
} from './layout';
import { outcomesAt } from './settlement';
import { enter, entryAt, leave, sourceAt, step, threadLine } from './thread';

/**
 * Commits a frame, a parcel or the end of a series that this thread received: opens the entry of the next ordinal,
 * counts it, and hands over the outputs that the line lists. `count`: its frames; 0: the end of a series. Returns how
 * many outputs were handed over, as `commit` does.
 */
export function commitFrame(sourceNumber: u32, leaves: u32, outputs: i32, bytes: u32, count: u32): i32 {
  if (!enter()) return GATE_CLOSED;
  const source = sourceAt(sourceNumber);
  const record = load<u32>(threadLine, LINE_RECORD);
  const live = bankOf(record);
  const idle = bankOf(nextRecord(record));
  const ordinal = load<u32>(live, LEDGER_GIVEN);
  const entry = entryAt(source, ordinal);

  // While the entry changes, it is that of the ordinal before: later than its last one, earlier than this one. A thread
  // that read its words looks at the ordinal again.
  atomic.store<u32>(entry, ordinal - 1);
  store<u32>(entry, 0, ENTRY_OUTCOME);
  store<u32>(entry, leaves, ENTRY_OPEN);
  store<u32>(entry, leaves, ENTRY_OWED);
  store<u32>(entry, EMPTY, ENTRY_BELOW);
  store<u32>(entry, count, ENTRY_COUNT);
  store<u32>(entry, 0, ENTRY_SPLIT);
  if (load<u32>(source, SOURCE_OUTCOME_RECORDS)) clearOutcomes(source, ordinal, count);
  step(67);
  atomic.store<u32>(entry, ordinal); // publishes: the entry
  step(68);

  store<i32>(threadLine, 0, LINE_INPUTS);
  store<i32>(threadLine, outputs, LINE_OUTPUTS);
  store<i32>(threadLine, 0, LINE_SETTLEMENTS);
  copyBank(idle, live);
  store<u32>(idle, ordinal + 1, LEDGER_GIVEN);
  store<u32>(idle, load<u32>(live, LEDGER_ENDS) + (count === 0 ? 1 : 0), LEDGER_ENDS);
  store<u32>(idle, load<u32>(live, LEDGER_RECORDS) + count, LEDGER_RECORDS);
  store<u32>(idle, load<u32>(live, LEDGER_RECEIVED) + count, LEDGER_RECEIVED);
  store<u32>(idle, load<u32>(live, LEDGER_BYTES_LOW) + bytes, LEDGER_BYTES_LOW);
  const carries = load<u32>(idle, LEDGER_BYTES_LOW) < bytes;
  if (carries) store<u32>(idle, load<u32>(idle, LEDGER_BYTES_HIGH) + 1, LEDGER_BYTES_HIGH);
  step(69);
  atomic.store<u32>(threadLine + LINE_RECORD, nextRecord(record) | COMMITTED); // publishes: the frame is received
  step(72);
  return finish(0);
}

/** Clears what the last ordinal of an entry left in the outcomes. */
function clearOutcomes(source: usize, ordinal: u32, count: u32): void {
  const stride = load<u32>(source, SOURCE_OUTCOME_RECORDS);
  const outcomes = outcomesAt(source, ordinal);
  const records = count < stride ? count : stride;
  memory.fill(outcomes, 0, LEAF_OUTCOMES);
  const leaves = (load<u32>(source, SOURCE_OUTCOME_STRIDE) - <u32>LEAF_OUTCOMES) / stride;
  for (let leaf: u32 = 0; leaf < leaves; leaf++) {
    memory.fill(outcomes + LEAF_OUTCOMES + <usize>(leaf * stride), 0, records);
  }
}

/** Counts a message that became no frame: it is received, and dead by its reason. */
export function refuse(code: u32): i32 {
  if (!enter()) return GATE_CLOSED;
  const record = load<u32>(threadLine, LINE_RECORD);
  const live = bankOf(record);
  const idle = bankOf(nextRecord(record));
  const counter = idle + LEDGER_COUNTS + ((<usize>code) << 2);
  copyBank(idle, live);
  store<u32>(idle, load<u32>(live, LEDGER_RECEIVED) + 1, LEDGER_RECEIVED);
  addTo(counter, 1);
  step(75);
  atomic.store<u32>(threadLine + LINE_RECORD, nextRecord(record)); // publishes: the count
  leave();
  return 1;
}

/**
 * Counts the settled ordinals, from the lowest on and each once, and frees their entries. An ordinal counts by its
 * worst outcome; where a source has several sinks, by the worst on the leaves of the required ones. Returns how many it
 * counted.
 */
export function sweep(sourceNumber: u32, atMost: i32): i32 {
  if (!enter()) return GATE_CLOSED;
  const source = sourceAt(sourceNumber);
  const record = load<u32>(threadLine, LINE_RECORD);
  const live = bankOf(record);
  const idle = bankOf(nextRecord(record));
  const given = load<u32>(live, LEDGER_GIVEN);
  const views = <usize>load<u32>(source, SOURCE_VIEWS);
  let low = load<u32>(live, LEDGER_LOW);
  let swept = 0;
  while (swept < atMost && low !== given) {
    const entry = entryAt(source, low);
    // A leaf is not settled. acquires: the outcome
    if (atomic.load<u32>(entry + ENTRY_OWED) !== 0) break;
    if (swept === 0) copyBank(idle, live);
    const count = load<u32>(entry, ENTRY_COUNT);
    if (views) {
      // The source has several sinks.
      countOn(idle + LEDGER_COUNTS, source, low, load<u32>(views, VIEWS_HEADLINE));
    } else if (load<u32>(entry, ENTRY_SPLIT)) {
      // Records of the parcel ended one by one.
      countOn(idle + LEDGER_COUNTS, source, low, allLeaves(source));
    } else {
      // The highest bit is the worst outcome.
      const worst = 31 - clz(atomic.load<u32>(entry + ENTRY_OUTCOME));
      addTo(idle + LEDGER_COUNTS + ((<usize>worst) << 2), count);
    }
    store<u32>(idle, load<u32>(idle, LEDGER_SETTLED) + count, LEDGER_SETTLED);
    low++;
    swept++;
  }
  if (swept && views) countViews(source, low);
  if (swept) {
    store<u32>(idle, low, LEDGER_LOW);
    step(76);
    atomic.store<u32>(threadLine + LINE_RECORD, nextRecord(record)); // publishes: the counts and the watermark
    step(77);
  }
  leave();
  return swept;
}

/**
 * Counts an ordinal, or each record of a parcel whose records ended one by one, by the worst outcome on some leaves.
 */
function countOn(counts: usize, source: usize, ordinal: u32, leaves: u32): void {
  const entry = entryAt(source, ordinal);
  const count = load<u32>(entry, ENTRY_COUNT);
  const outcomes = outcomesAt(source, ordinal);
  // An outcome in these bytes is 1 + its code.
  if (!load<u32>(entry, ENTRY_SPLIT)) {
    let worst: u32 = 1;
    for (let left = leaves; left; left &= left - 1) {
      const outcome = <u32>load<u8>(outcomes + <usize>ctz(left));
      if (outcome > worst) worst = outcome;
    }
    addTo(counts + ((<usize>(worst - 1)) << 2), count);
    return;
  }
  const stride = load<u32>(source, SOURCE_OUTCOME_RECORDS);
  const records = count < stride ? count : stride;
  for (let record: u32 = 0; record < records; record++) {
    let worst: u32 = 1;
    for (let left = leaves; left; left &= left - 1) {
      const leaf = <u32>ctz(left);
      let outcome = <u32>load<u8>(outcomes + LEAF_OUTCOMES + <usize>(leaf * stride + record));
      // The record ended with the others on this leaf.
      if (outcome === 0) outcome = <u32>load<u8>(outcomes + <usize>leaf);
      if (outcome > worst) worst = outcome;
    }
    addTo(counts + ((<usize>(worst - 1)) << 2), 1);
  }
}

/** The leaves that the outcomes of a source have room for. */
function allLeaves(source: usize): u32 {
  const leaves =
    (load<u32>(source, SOURCE_OUTCOME_STRIDE) - <u32>LEAF_OUTCOMES) / load<u32>(source, SOURCE_OUTCOME_RECORDS);
  return leaves >= MAX_LEAVES ? 0xffff_ffff : (1 << leaves) - 1;
}

/**
 * Counts the ordinals before `end` for each sink of a source that has several. A thread that died after the publishing
 * store had counted some of them: the watermark of the bank is where its successor goes on.
 */
function countViews(source: usize, end: u32): void {
  const views = <usize>load<u32>(source, SOURCE_VIEWS);
  const word = load<u32>(views, VIEWS_WORD);
  const bankBytes = <usize>load<u32>(views, VIEWS_BANK_BYTES);
  const live = views + VIEWS_BANKS + <usize>(word & 1) * bankBytes;
  const idle = views + VIEWS_BANKS + <usize>((word + 1) & 1) * bankBytes;
  const sinks = load<u32>(views, VIEWS_COUNT);
  let ordinal = load<u32>(live);
  // They were counted before.
  if (<i32>(end - ordinal) <= 0) return;
  for (let offset: usize = 0; offset < bankBytes; offset += 16) v128.store(idle + offset, v128.load(live + offset));
  for (; ordinal !== end; ordinal++) {
    for (let sink: u32 = 0; sink < sinks; sink++) {
      const counts = idle + VIEWS_COUNTS + ((<usize>sink) << 7);
      countOn(counts, source, ordinal, load<u32>(views + VIEWS_MASKS + ((<usize>sink) << 2)));
    }
  }
  store<u32>(idle, end);
  step(85);
  atomic.store<u32>(views + VIEWS_WORD, word + 1); // publishes: the counts of the sinks
  step(86);
}
