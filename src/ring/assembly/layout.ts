// Offsets and codes that the module exports: the same numbers as in ../ring-layout.ts, ../../frame/slot-layout.ts and
// ../../observe/outcome.ts (a test compares them).
export const RING_HEAD: usize = 0, RING_TAIL: usize = 128, RING_MASK: usize = 256, RING_LIMIT: usize = 260, RING_EDGE: usize = 264, RING_ITEM_BELL: usize = 268, RING_SPACE_BELL: usize = 272;
export const RING_KIND: usize = 276, RING_LEAVES: usize = 280, RING_POLICY: usize = 284, RING_EVERY: usize = 288, RING_SOURCES: usize = 292, RING_ARRAY_STRIDE: usize = 296, RING_FIRST_SLOT: usize = 304, RING_PAYLOADS: usize = 308, RING_SLOT_BYTES: usize = 312, RING_LANE: usize = 316, RING_CELLS: usize = 384;
export const ARRAY_NEXT: usize = 0, ARRAY_LEAF_MASK: usize = 8, ARRAY_CELLS: usize = 128;
export const BELL_SLEEPERS: usize = 0, BELL_PARK: usize = 4;
export const LINE_BUSY: usize = 0, LINE_FAULT_COUNTDOWN: usize = 4, LINE_FAULT_STEP: usize = 8, LINE_RECORD: usize = 256, LINE_INPUTS: usize = 260, LINE_OUTPUTS: usize = 264, LINE_SETTLEMENTS: usize = 268;
export const LINE_DROP: usize = 288, LINE_DROP_REF: usize = 292, LINE_DROP_SOURCE: usize = 296, LINE_DROP_ORDINAL: usize = 300, LINE_DROP_LEAVES: usize = 304, LINE_DROP_CODE: usize = 308;
export const LINE_INPUT_REFS: usize = 640, LINE_OUTPUT_REFS: usize = 896, LINE_SETTLE_ITEMS: usize = 1408, LINE_BATCH: usize = 2688;
export const SLOT_BITS: usize = 0, SLOT_NEXT: usize = 8, SLOT_POOL: usize = 12, SLOT_PAYLOAD: usize = 16, SLOT_CAPACITY: usize = 20, SLOT_SOURCE: usize = 28, SLOT_ORDINAL: usize = 32, SLOT_KIND: usize = 64, SLOT_PLACE: usize = 4;
export const SOURCE_TABLE: usize = 0, SOURCE_TABLE_MASK: usize = 4, SOURCE_BELL: usize = 8, SOURCE_ORDERED: usize = 12, SOURCE_ORDERED_LIST: usize = 16, SOURCE_OUTCOMES: usize = 480, SOURCE_OUTCOME_STRIDE: usize = 484, SOURCE_OUTCOME_RECORDS: usize = 488, SOURCE_VIEWS: usize = 496;
export const VIEWS_WORD: usize = 0, VIEWS_COUNT: usize = 4, VIEWS_HEADLINE: usize = 8, VIEWS_BANK_BYTES: usize = 12, VIEWS_MASKS: usize = 16, VIEWS_BANKS: usize = 192, VIEWS_COUNTS: usize = 64;
export const ENTRY_ORDINAL: usize = 0, ENTRY_OPEN: usize = 4, ENTRY_OWED: usize = 8, ENTRY_OUTCOME: usize = 12, ENTRY_BELOW: usize = 16, ENTRY_COUNT: usize = 20, ENTRY_SPLIT: usize = 28;
/** Flag of a frame's kind: the last of its series, which no sample leaves out. */
export const FLAG_ENDS: u32 = 1 << 16;
// Outcome codes, as in ../../observe/outcome.ts: the number of the bit that a settlement sets.
export const CODE_DROP_NEWEST: u32 = 8, CODE_DROP_OLDEST: u32 = 9, CODE_LATEST: u32 = 10, CODE_SAMPLED: u32 = 11, CODE_SUPERSEDED: u32 = 12;
