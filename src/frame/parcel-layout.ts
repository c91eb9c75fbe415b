/**
 * A parcel: a slot whose payload is many records, one behind the other (docs/internals/slot.md). The slot's header says that it
 * is one (`FLAGS.parcel`), how many records it has (`SLOT.count`), the bytes of all of them (`SLOT.length`), and dtype, shape
 * and meta of every record that does not bring its own, and sequence and timestamp of the first. A record begins on a
 * multiple of eight bytes:
 *
 *   0               4                8                      12
 *   +---------------+----------------+----------------------+---------------+-------+------+------+------+
 *   | length | more | index | output | received after | own | sequence step | times | kind | data | meta |
 *   +---------------+----------------+----------------------+---------------+-------+------+------+------+
 *
 * `times` and `kind` are there where the bits `own` say so, `meta` where the kind does; data and meta are filled up to a
 * multiple of eight. A record with neither may begin a run: the data of `more` records follow on its own, without heads; each
 * has the length, the output and the moment of the first, and the index and the sequence that come next. Plain words, written
 * by the one thread that holds the slot, published by the ring's compare-exchange.
 */
export const RECORD = {
  /** Bytes of data in the low 24 bits, then how many records of the run follow. */
  length: 0,
  /** u16 number within the parcel that the source sent; u16 number among the outputs of that record. */
  number: 4,
  /** Microseconds after the `receivedUs` of the slot in the low 30 bits, then OWN. */
  received: 8,
  /** Added to the slot's sequence, u32; the timestamp is the slot's. Means nothing where the times are the record's own. */
  step: 12,
  bytes: 16,
} as const;

/** Bits of `received`: the record has a kind, times of its own. */
export const OWN = { kind: 1 << 30, times: 1 << 31 } as const;
export const MAX_AFTER_US = 0x3fff_ffff;

export const MAX_LENGTH = 0xff_ffff;
export const MORE_SHIFT = 24;

/** The longest run, its first record included; larger records, and those received so long after the first, have heads. */
export const RUN = { records: 256, bytes: 1024, us: 50 } as const;

/** Two f64. */
export const RECORD_TIMES = { sequence: 0, timestamp: 8, bytes: 16 } as const;

/**
 * dtype and number of dimensions as in `SLOT.kind`, four sizes, bytes of meta after the data, the parameters as in the
 * slot.
 */
export const RECORD_KIND = { kind: 0, shape: 4, metaLength: 20, parametersHigh: 24, parametersLow: 28, bytes: 32 } as const;

/** Maximum bytes of one parcel. */
export const MAX_PARCEL_BYTES = 1 << MORE_SHIFT;

/** Records of one parcel: each has a byte in the settlement table, for every leaf. */
export const MAX_RECORDS = 4096;

/**
 * Records of one block: a source numbers what it commits from 0 on, and of number n the block is floor(n / 4096) mod 65536.
 * Where a stage takes frames by blocks a parcel has records of one only, so that what is together does not depend on time.
 */
const BLOCK_BITS = 12;
export const blockOf = (number: number): number => (number >>> BLOCK_BITS) & 0xffff;

/** Bytes rounded up to the next possible start of a record. */
export const aligned = (bytes: number): number => (bytes + 7) & ~7;

/** Bytes of a record, including its head. */
export const recordBytes = (dataBytes: number, ownTimes: boolean, ownKind: boolean, metaBytes: number): number =>
  RECORD.bytes + (ownTimes ? RECORD_TIMES.bytes : 0) + (ownKind ? RECORD_KIND.bytes + aligned(metaBytes) : 0) + aligned(dataBytes);

/** Maximum records of a parcel with this many bytes. */
export const recordsOf = (parcelBytes: number): number => Math.min(MAX_RECORDS, Math.floor(parcelBytes / RECORD.bytes));
