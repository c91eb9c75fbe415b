/**
 * Every word that the ring operations touch: its offset, its meaning, and the threads that write and read it. This is the one
 * place where these offsets are declared. The build generates `assembly/layout.ts` from it; `npm run check` fails if that file
 * is out of date.
 *
 * "Constant" means: the supervisor writes the word before any thread starts, and it does not change after that. The census reads
 * every word, while the gate is closed. Where nothing else is said, a word is written plainly and published by a later store.
 */

/**
 * A reference names a slot, and the branch by which its holder has it: the lowest leaf that the reference serves.
 *
 *   31          24 23                                 0
 *  +--------------+------------------------------------+
 *  | branch       | slot                               |
 *  +--------------+------------------------------------+
 */
export const SLOT_MASK = 0xff_ff_ff;
export const BRANCH_SHIFT = 24;
/** In place of a reference: there is none. */
export const EMPTY = -1;
/** Result of a ring operation while the gate is closed: nothing was done. */
export const GATE_CLOSED = -2;

/**
 * The place word of a reference says where the reference is. Holder: the number of the thread + 1; 0: it is ON the edge. Edge: the
 * edge that it is on or was taken from; 0: the holder claimed the slot. Deaths: the threads that died with it since it came over
 * this edge.
 *
 *   31    24 23     16 15             0
 *  +--------+---------+----------------+
 *  | deaths | holder  | edge           |
 *  +--------+---------+----------------+
 *
 * Written by the holder of the reference, and by the census; read by the holder and by the census.
 */
export const PLACE = {
  edgeMask: 0xff_ff,
  holderShift: 16,
  holderMask: 0xff,
  deathsShift: 24,
  deathsMask: 0xff_00_00_00,
  maxDeaths: 0xff,
} as const;

export const MAX_LEAVES = 32;
/** Bytes before those of the records in the outcomes of an entry: one for each leaf that there can be. */
export const LEAF_OUTCOMES = 32;
/** Codes of outcomes are below. A code that is not is an address (SETTLE). */
export const MAX_CODES = 32;
export const MAX_THREADS = 254;
/** Inputs, outputs and settlements that one record lists. */
export const RECORD_ITEMS = 64;

/** Words that all threads share, at the start of the arena. */
export const CONTROL = {
  /** 1 while the census runs. Written by the supervisor; read by every thread at the start of an operation. */
  gate: 1024,
  /** A value of PHASE. Written by the supervisor; read by every thread before it waits. */
  phase: 1152,
  bytes: 4096,
} as const;
export const PHASE = { run: 0, abort: 1 } as const;

/**
 * A ring: two hints, each on cache lines of its own, then the words that do not change, then the cells.
 *
 * Each cell is one u64. Producers and consumers read it, and change it by compare-exchange; the states are in `assembly/cell.ts`.
 *
 *   63                     32 31                      0
 *  +-------------------------+-------------------------+
 *  | reference, or EMPTY     | position                |
 *  +-------------------------+-------------------------+
 */
export const RING = {
  /** Hint of the next position to pop. Written and read by consumers, and by producers that make room. */
  head: 0,
  /** Hint of the next position to push. Written and read by producers; consumers read it to count what waits. */
  tail: 128,
  /** Number of cells - 1; the number is a power of two. This word and the next ones are constant, except `closed`. */
  mask: 256,
  /** References that can be on the ring at once. */
  limit: 260,
  /** Number of the edge. */
  edge: 264,
  /** The bell on which threads wait for a reference. */
  itemBell: 268,
  /** The bell on which threads wait for room. */
  spaceBell: 272,
  /** A value of KIND. */
  kind: 276,
  /** Table of the leaves that a reference serves, by source and branch: MAX_LEAVES words for each source. */
  leaves: 280,
  /** A value of POLICY. */
  policy: 284,
  /** n of sample(1/n). */
  every: 288,
  /** Ordered rings: the number of arrays, one for each source. */
  sources: 292,
  /** Ordered rings: the distance between the arrays of two sources. */
  arrayStride: 296,
  /** 1 after all producers have ended. Written by the supervisor; read by consumers that find nothing. */
  closed: 300,
  /** The pool whose slots travel on this ring, if it is one pool: its first slot, its payloads, the bytes of each; else 0. */
  firstSlot: 304,
  payloads: 308,
  slotBytes: 312,
  /** The ring of what dead threads held, which consumers read first; 0: there is none. */
  lane: 316,
  cells: 384,
} as const;
export const KIND = { fifo: 0, ordered: 1 } as const;
export const POLICY = { block: 0, 'drop-newest': 1, 'drop-oldest': 2, latest: 3, sample: 4 } as const;

/** The array of one source in an ordered ring. The position of a reference is its ordinal. */
export const ARRAY = {
  /** Hint of the position that is taken next. Written by consumers, and by producers that make room; read by both. */
  next: 0,
  /** The leaves below this edge, for the source. Constant. */
  leafMask: 8,
  cells: 128,
} as const;

/** The threads that may sleep for one reason. */
export const BELL = {
  /** One bit for each thread that sleeps. Set and cleared by the sleeper, and cleared by the thread that wakes it. */
  sleepers: 0,
  /** For each bit, the address of the park word of its thread. Constant. */
  park: 4,
  bytes: 256,
  members: 32,
} as const;

/**
 * The line of a thread. Where nothing else is said, the thread alone writes a word, and reads it; the census reads what a dead
 * thread left.
 *
 * A record word is 2 * sequence, plus 1 while the commit is being carried out. The parity of the sequence names the live bank.
 */
export const LINE = {
  /** 1 inside an operation. Written by the thread; read by the supervisor after it closed the gate. */
  busy: 0,
  /** In the build with fault points: the thread dies at the step that makes this 0. Written by a test. */
  faultCountdown: 4,
  /** The same: the step that counts; 0: all steps. */
  faultStep: 8,
  /** Added to by the threads that wake this one, and by the supervisor; read by this thread before it sleeps. */
  park: 128,
  /** The record word of commits. Its store publishes the record and the bank; the supervisor and the reports read it. */
  record: 256,
  /** How many inputs, outputs and settlements the record lists. */
  inputs: 260,
  outputs: 264,
  settlements: 268,
  /** The record word of drops. Its store publishes the words behind it, which describe one drop. */
  drop: 288,
  dropReference: 292,
  dropSource: 296,
  dropOrdinal: 300,
  dropLeaves: 304,
  dropCode: 308,
  /** Microseconds in operators. The reports read it. */
  busyUs: 320,
  /** When the thread began the oldest frame that it processes, in ms of the clock of the process, low word, or 0. The supervisor reads it. */
  sinceMs: 324,
  /** Two banks of counters of a worker or egress thread (BANK). The reports read the live one. */
  banks: 384,
  /** What the record lists: inputs (a reference each), outputs (reference, ring), settlements (SETTLE). */
  inputReferences: 640,
  outputReferences: 896,
  settleItems: 1408,
  /** Slots or references that an operation on several of them returns or is given. */
  batch: 2688,
  bytes: 3072,
} as const;
/**
 * One settlement in a record, in bytes. A `code` below MAX_CODES ends the leaves, for all records of a parcel that have not ended
 * there before. Any other is the address of a byte for each record of the parcel: 0, or 1 + the code by which that record ends on
 * the leaves; the leaves themselves stay open.
 */
export const SETTLE = { source: 0, ordinal: 4, leaves: 8, code: 12, bytes: 16 } as const;
/** Bytes of one bank of counters of a thread, and the words in it. */
export const BANK = { bytes: 128, frames: 0, outputs: 1, bytesLow: 2, bytesHigh: 3, drops: 4 } as const;

/**
 * The block of a source: where its settlement table is, and two banks of its ledger. Words are constant unless something else is
 * said. The ingress of the source alone writes the banks; the store of its record word makes the idle bank the live one, which the
 * supervisor, the reports and workers with partials read.
 *
 * Where the source sends parcels or has several sinks, each entry has `outcomeStride` bytes from `outcomes` on: a byte for each
 * leaf (1 + the code that ended it), then `outcomeRecords` bytes for each leaf, one a record (1 + the code by which the record
 * ended there before the others). They are written by the thread that holds the reference that serves the leaf, and read by the
 * ingress after it read `owed` as 0.
 */
export const SOURCE = {
  table: 0,
  tableMask: 4,
  /** The bell on which the ingress waits for settlements. */
  bell: 8,
  /** Number of ordered edges that the frames of the source reach, and for each the item bell and the leaves below. */
  ordered: 12,
  orderedList: 16,
  outcomes: 480,
  outcomeStride: 484,
  /** Records of a parcel; 0: the source sends no parcels. */
  outcomeRecords: 488,
  /** Frames that counted as merged and whose part died. Added to by the supervisor while the gate is closed; the reports read it. */
  partialsLost: 492,
  /** Where the ledger is also kept for each sink (VIEWS); 0: the frames reach one sink. */
  views: 496,
  banks: 512,
  bankBytes: 256,
  bytes: 1024,
} as const;
/**
 * The ledger of a source by its sinks, where it has several: how frames ended on the leaves of each. The ingress alone writes it,
 * in the idle one of two banks, and then the word, which the reports read. The sweep counts an ordinal here before it counts it in
 * the ledger.
 */
export const VIEWS = {
  /** Its parity names the live bank. Its store publishes that bank. */
  word: 0,
  /** Number of sinks. This word and the next ones, up to the banks, are constant. */
  count: 4,
  /** What the ledger counts by: the leaves of the sinks that are required. */
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
/** Words of a ledger bank. */
export const LEDGER = {
  /** Frames, records and refused messages that came. */
  received: 0,
  /** The next ordinal. */
  given: 1,
  /** The lowest ordinal that is not counted. */
  low: 2,
  bytesLow: 3,
  bytesHigh: 4,
  /** Ends of series, and of the source, that were sent. */
  ends: 5,
  /** Records that were given ordinals. */
  records: 6,
  /** Records that are counted. */
  settled: 7,
  /** One word for each outcome code. */
  counts: 8,
  words: 40,
} as const;
/**
 * The settlement entry of an ordinal. The ingress opens it and stores `ordinal` last; a thread that settles changes `outcome`,
 * `open` and `owed`, in this order, by atomic operations; the sweep counts the ordinal after it read `owed` as 0.
 */
export const ENTRY = {
  /** Written by the ingress; read by every thread that settles, and by consumers of ordered edges. Publishes the entry. */
  ordinal: 0,
  /** Leaves on which the frame has not ended. Consumers of ordered edges read it. */
  open: 4,
  /** Leaves that are not settled. Its store publishes the outcome; the sweep and the reports read it. */
  owed: 8,
  /** One bit for each way in which a leaf ended; the highest one is the worst. The sweep and the reports read it. */
  outcome: 12,
  /** Reserved. */
  below: 16,
  /** Records that the ordinal has; 0: the end of a series. Written by the ingress; read by the sweep and the reports. */
  count: 20,
  /** Reserved. */
  position: 24,
  /** 1: records of the parcel ended one by one. Written by the thread that ends them; read by the sweep and the reports. */
  split: 28,
  bytes: 32,
} as const;
