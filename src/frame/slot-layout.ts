/**
 * Words of a slot header (docs/internals/slot.md). Headers form one dense table of constant stride; a header names its payload.
 * A header begins 24 bytes into a cache line, so that its place words, which go downwards from it, share that line with the
 * words that the ring operations touch.
 *
 *   ... | place[2] | place[1] | place[0] |
 *     0        4         8       12      16         20          24        28
 *   +--------+---------+-------+-------+----------+-----------+---------+---------+
 *   | bits   | unused  | next  | pool  | payload  | capacity  | length  | source  |
 *   +--------+---------+-------+-------+----------+-----------+---------+---------+
 *   | ordinal| series  | sequence (f64)| timestamp (f64)      | received us (f64) |
 *   +--------+---------+---------------+----------------------+-------------------+
 *  64: kind | shape[4] | metaOffset | metaLength | parameters (two words) | count
 *
 * Plain words, written by the one thread that holds the slot, published by the ring's compare-exchange, and read by the threads
 * that take a reference. `bits`, `next` and `place` belong to the ring operations.
 */
export const SLOT = {
  /** One bit for each live reference. The exclusive holder sets bits; each holder clears its own; the census reads them. */
  bits: 0,
  /** The next slot of a chain, or EMPTY. Written by the claiming thread; read by the thread that frees the chain. */
  next: 8,
  /** The home of the slot: its free ring, its payload, and the bytes there. They do not change. */
  pool: 12,
  payload: 16,
  capacity: 20,
  /** Bytes of data. */
  length: 24,
  source: 28,
  ordinal: 32,
  series: 36,
  sequence: 40,
  timestamp: 48,
  receivedUs: 56,
  /** dtype code in the low byte, number of dimensions in the next; then FLAGS. */
  kind: 64,
  shape: 68,
  /** From the start of the payload; the meta is UTF-8 JSON after the data. */
  metaOffset: 84,
  metaLength: 88,
  /**
   * First and last four of the eight bytes that identify the parameters of the stages that made the frame; 0: no stage
   * did.
   */
  parametersHigh: 92,
  parametersLow: 96,
  /** u16 records of a parcel; u16 block of the source's records that the frame or parcel is of (`parcel-layout.ts`). */
  count: 100,
  /** place[branch] is at `-(place + 4 * branch)`; `../ring/ring-layout.ts` (PLACE) has its parts. */
  place: 4,
} as const;

/** Bits of `kind`: the last frame of its series; a frame that carries only that; a parcel of records (`parcel-layout.ts`). */
export const FLAGS = { ends: 1 << 16, empty: 1 << 17, parcel: 1 << 18 } as const;

/** Room for meta after the data of every slot, in bytes. */
export const META_BYTES = 4096;
/** Maximum bytes of meta: it begins at the next multiple of eight after the data. */
export const MAX_META_BYTES = META_BYTES - 8;

/** Bytes of a header without its place words: it ends with a cache line. */
const HEADER_BYTES = 104;
const LINE_BYTES = 64;

/** Distance between two headers for this many branches, a multiple of a cache line. */
export const slotStride = (branches: number): number => Math.ceil((HEADER_BYTES + 4 * branches) / LINE_BYTES) * LINE_BYTES;
/** Offset of the first header in a table, so that every header ends with a cache line. */
export const firstHeader = (stride: number): number => stride - HEADER_BYTES;
