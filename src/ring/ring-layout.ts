/**
 * Words of everything that the ring operations touch: the one owner of these offsets on the TypeScript side.
 * `assembly/layout.ts` has the same numbers; `test/ring/ring-layout.test.ts` compares the two.
 *
 * ring cell (i64)   | pos: u32 | ref: u32 |            EMPTY in the ref half: the cell waits for position pos
 * reference (u32)   | slot: 24 | branch: 8 |           branch: the lowest leaf that this reference still serves
 * place word (u32)  | edge: 16 | holder: 8 (thread+1) | holder 0: ON that edge, else HELD, taken from it (edge 0: claimed new)
 * record word (u32) | 2 * sequence + committed |       its sequence's parity names the bank that counts
 */
export const EMPTY = -1;
/** Result of a ring operation while the gate is closed: nothing was done. */
export const GATE_CLOSED = -2;
export const SLOT_MASK = 0xff_ff_ff;
export const BRANCH_SHIFT = 24;
export const MAX_LEAVES = 32;
/** Bytes before those of the records in the outcomes of an entry: one for each leaf that there can be. */
export const LEAF_OUTCOMES = 32;
/** Codes of outcomes are below; what is not is an address. */
export const MAX_CODES = 32;
export const MAX_THREADS = 254;
/** Inputs, outputs and settlements that one record lists. */
export const RECORD_ITEMS = 64;

/** Parts of a place word. */
export const PLACE = {
  edgeMask: 0xff_ff,
  holderShift: 16,
  holderMask: 0xff,
  deathsShift: 24,
  deathsMask: 0xff_00_00_00,
  maxDeaths: 0xff,
} as const;

/** Words that all threads share, at the start of the arena. */
export const CONTROL = { gate: 1024, phase: 1152, bytes: 4096 } as const;
/** Values of the phase word. */
export const PHASE = { run: 0, abort: 1 } as const;

/** A ring: head and tail hints on lines of their own, then what never changes, then the cells. */
export const RING = {
  head: 0,
  tail: 128,
  mask: 256,
  limit: 260,
  edge: 264,
  /** Rung when an item came. */
  itemBell: 268,
  /** Rung when room came. */
  spaceBell: 272,
  /** KIND of the ring. */
  kind: 276,
  /** Table of leaves by (source, branch): u32 x 32 a source. */
  leaves: 280,
  policy: 284,
  /** n of sample(1/n). */
  every: 288,
  /** Number of sources with an array of their own (ordered rings). */
  sources: 292,
  /** Distance of the arrays of two sources (ordered rings). */
  arrayStride: 296,
  /** 1 once all producers have ended. */
  closed: 300,
  /** The pool whose slots travel on this ring, where it is one: its first slot, its payloads, the bytes of each; else 0. */
  firstSlot: 304,
  payloads: 308,
  slotBytes: 312,
  /** The ring of what dead threads held, which is read first; 0 there is none. */
  lane: 316,
  cells: 384,
} as const;
export const KIND = { fifo: 0, ordered: 1 } as const;
export const POLICY = { block: 0, 'drop-newest': 1, 'drop-oldest': 2, latest: 3, sample: 4 } as const;

/** Array of one source in an ordered ring. */
export const ARRAY = { next: 0, leafMask: 8, cells: 128 } as const;

/** Those who may sleep for one reason: one bit each, and where each one's park word is. */
export const BELL = { sleepers: 0, park: 4, bytes: 256, members: 32 } as const;

/** A thread's line: busy, the two records, the items that they name. */
export const LINE = {
  busy: 0,
  faultCountdown: 4,
  faultStep: 8,
  park: 128,
  record: 256,
  inputs: 260,
  outputs: 264,
  settlements: 268,
  drop: 288,
  dropReference: 292,
  dropSource: 296,
  dropOrdinal: 300,
  dropLeaves: 304,
  dropCode: 308,
  /** Microseconds in operators; only this thread writes it. */
  busyUs: 320,
  /** When the oldest frame that is being processed was begun, in ms of the process's clock, low word, or 0; only this thread writes it. */
  sinceMs: 324,
  /** Two banks of counters of a worker or egress thread. */
  banks: 384,
  inputReferences: 640,
  outputReferences: 896,
  settleItems: 1408,
  batch: 2688,
  bytes: 3072,
} as const;
/**
 * One settlement in a record, in bytes. A `code` below 32 ends the leaves, for all records of a parcel that have not ended
 * there before. Any other is the address of a byte for each record of the parcel: 0, or 1 + the code by which that record
 * ends on the leaves; the leaves themselves stay open.
 */
export const SETTLE = { source: 0, ordinal: 4, leaves: 8, code: 12, bytes: 16 } as const;
/** Bytes of one bank of counters of a thread, and the words in it. */
export const BANK = { bytes: 128, frames: 0, outputs: 1, bytesLow: 2, bytesHigh: 3, drops: 4 } as const;

/**
 * What the ingress of a source owns: its settlement table and two banks of the ledger. Where it sends parcels, each entry has
 * `outcomeStride` bytes from `outcomes` on: a byte for each leaf (1 + the code that ended it), then `outcomeRecords` bytes
 * for each leaf, one a record (1 + the code by which the record ended there before the others).
 */
export const SOURCE = {
  table: 0,
  tableMask: 4,
  bell: 8,
  ordered: 12,
  orderedList: 16,
  outcomes: 480,
  outcomeStride: 484,
  outcomeRecords: 488,
  partialsLost: 492,
  /** Where its ledger is also kept for each sink (VIEWS); 0: its frames reach one. */
  views: 496,
  banks: 512,
  bankBytes: 256,
  bytes: 1024,
} as const;
/**
 * The ledger of a source by its sinks, where it has several: how frames ended on the leaves of each. The ingress alone writes
 * it, in the idle one of two banks, and then the word, whose parity names the live bank. The sweep counts an ordinal here
 * before it counts it in the ledger. The headline is what the ledger counts by: the leaves of the sinks that are required.
 */
export const VIEWS = {
  word: 0,
  count: 4,
  headline: 8,
  bankBytes: 12,
  /** The leaves of each sink. */
  masks: 16,
  banks: 192,
  /** Within a bank, behind the lowest ordinal that is not counted: a word for each outcome code, for each sink. */
  counts: 64,
  countBytes: 128,
} as const;
/** Edges that keep order by arrays and that the frames of one source may reach: those that a settlement looks at. */
export const MAX_ORDERED_EDGES = Math.trunc((SOURCE.outcomes - SOURCE.orderedList) / 8);
/** Words of a ledger bank. `given` and `low` are ordinals; `records` were given ordinals and `settled` counted. `ends`: ends of series, and of the source, that were sent. `counts` has one word per outcome code. */
export const LEDGER = {
  received: 0,
  given: 1,
  low: 2,
  bytesLow: 3,
  bytesHigh: 4,
  ends: 5,
  records: 6,
  settled: 7,
  counts: 8,
  words: 40,
} as const;
/** One entry of a settlement table. `ordinal` is written last; `split`: records of it ended one by one. */
export const ENTRY = { ordinal: 0, open: 4, owed: 8, outcome: 12, below: 16, count: 20, position: 24, split: 28, bytes: 32 } as const;
