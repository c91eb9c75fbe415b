import { MillraceError } from '../errors/errors.js';
import type { ArenaViews } from './arena-views.js';
import type { FrameView } from './frame-view.js';
import {
  aligned,
  MAX_AFTER_US,
  MAX_LENGTH,
  MORE_SHIFT,
  OWN,
  RECORD,
  RECORD_KIND,
  RECORD_TIMES,
  RUN,
  recordBytes,
} from './parcel-layout.js';
import { FLAGS, MAX_META_BYTES, SLOT } from './slot-layout.js';

const NO_META = new Uint8Array(0);
/** dtype code of `bytes`, one dimension: its size is the record's. */
const BYTES_KIND = 0x100;

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
};

/**
 * Fills one slot after another with records. The bytes that it writes belong to the thread that holds the slot until
 * the slot is passed on. `append` returns the address for the data of a record, and does not allocate.
 */
export class ParcelWriter {
  count = 0;
  /** Bytes of records so far, including heads and meta. */
  used = 0;
  /** Bytes of their data. */
  dataBytes = 0;
  /** When the first record was received, on the clock of `receivedUs`. */
  firstUs = 0;
  readonly #words: Int32Array;
  readonly #floats: Float64Array;
  readonly #bytes: Uint8Array;
  #address = 0;
  #capacity = 0;
  #maxRecords = 0;
  #kind = 0;
  #shape: readonly number[] = [];
  #meta: Uint8Array = NO_META;
  #parametersHigh = 0;
  #parametersLow = 0;
  #sequence = 0;
  #timestamp = 0;
  /** Offset of the last head, and the bytes of data of its record. */
  #last = 0;
  #lastLength = 0;
  /**
   * The run that the next record may continue: the offset of its head, the number of records before it, and its limit.
   */
  #runWord = 0;
  #runStart = 0;
  /** -1: there is no run. */
  #runEnd = -1;
  #runLength = -1;
  #runStride = 0;
  #runSequence = 0;
  #runIndex = 0;
  #runOutput = 0;
  #runUs = 0;

  constructor(arena: ArenaViews) {
    this.#words = arena.words;
    this.#floats = arena.floats;
    this.#bytes = arena.bytes;
  }

  /**
   * Begins a parcel of at most `capacity` bytes and `maxRecords` records at an address, for records that are mostly of this kind. The slot
   * has room for the longest meta behind those bytes. Throws ERR_OPERATOR_OUTPUT, and changes nothing, for a longer one.
   */
  open(
    address: number,
    capacity: number,
    maxRecords: number,
    code: number,
    shape: readonly number[],
    meta: Uint8Array,
    parametersHigh = 0,
    parametersLow = 0,
  ): void {
    if (meta.length > MAX_META_BYTES)
      throw new MillraceError('ERR_OPERATOR_OUTPUT', `the meta of a frame has ${meta.length} bytes, but the limit is ${MAX_META_BYTES}`);
    this.#parametersHigh = parametersHigh;
    this.#parametersLow = parametersLow;
    this.#address = address;
    this.#capacity = capacity;
    this.#maxRecords = maxRecords;
    this.#kind = code | (shape.length << 8);
    this.#shape = shape;
    this.#meta = meta;
    this.count = 0;
    this.used = 0;
    this.dataBytes = 0;
    this.#runLength = -1;
    this.#runEnd = -1;
  }

  /** Whether a record has dtype, shape, meta and parameters of the parcel. */
  isSame(code: number, shape: readonly number[], meta: Uint8Array, parametersHigh = 0, parametersLow = 0): boolean {
    if (parametersHigh !== this.#parametersHigh || parametersLow !== this.#parametersLow) return false;
    const kind = code | (shape.length << 8);
    if (kind !== this.#kind) return false;
    if (kind !== BYTES_KIND && shape !== this.#shape) for (let i = 0; i < shape.length; i++) if (shape[i] !== this.#shape[i]) return false;
    return sameBytes(meta, this.#meta);
  }

  /** Whether this many more records fit, with this many bytes in total. */
  fits(bytes: number, records = 1): boolean {
    return this.count + records <= this.#maxRecords && bytes <= this.#capacity - this.used;
  }

  /** Whether one more record like the last could follow. */
  get isFull(): boolean {
    return !this.fits(this.#isInRun ? aligned(this.#runLength) : this.used - this.#last);
  }

  /**
   * Whether a record needs times of its own: they differ from the first one's by more than a whole step of the
   * sequence.
   */
  hasOwnTimes(sequence: number, timestamp: number): boolean {
    if (this.count === 0) return false;
    const step = sequence - this.#sequence;
    if (step >>> 0 !== step || this.#sequence + step !== sequence) return true;
    return !this.#isSameTime(timestamp);
  }

  /**
   * Appends a record of the parcel's own kind. Returns the address of its data, or -1 when it does not fit. Its time of
   * receipt may be NaN: `stamp` sets it later.
   */
  append(length: number, sequence: number, timestamp: number, receivedUs: number, index: number, output: number): number {
    const before = this.count - this.#runStart;
    if (
      length === this.#runLength &&
      index === this.#runIndex + before &&
      output === this.#runOutput &&
      sequence === this.#runSequence + before &&
      this.#isSameTime(timestamp)
    ) {
      const at = this.appendNext(receivedUs);
      if (at >= 0) return at;
    }
    const times = this.hasOwnTimes(sequence, timestamp);
    const bytes = RECORD.bytes + (times ? RECORD_TIMES.bytes : 0) + aligned(length);
    if (this.count >= this.#maxRecords || bytes > this.#capacity - this.used || length > MAX_LENGTH) return -1;
    const at = this.#head(length, sequence, timestamp, receivedUs, index | (output << 16), bytes, times, 0);
    if (!times && length > 0 && length <= RUN.bytes) this.#beginRun(length, sequence, receivedUs, index, output);
    return at;
  }

  /**
   * Appends a record like the last one, with its length, timestamp and output, and the next index and sequence. Returns
   * the address of its data, or -1 when it needs a head of its own, which `append` writes, or does not fit.
   */
  appendNext(receivedUs: number): number {
    const { used } = this;
    const end = used + this.#runStride;
    if (end > this.#runEnd || receivedUs < this.#runUs || receivedUs - this.#runUs > RUN.us) return -1;
    this.#words[this.#runWord] = this.#runLength | ((this.count - this.#runStart) << MORE_SHIFT);
    this.count++;
    this.dataBytes += this.#runLength;
    this.used = end;
    return this.#address + used;
  }

  /** The record that was just appended may start a run. */
  #beginRun(length: number, sequence: number, receivedUs: number, index: number, output: number): void {
    this.#runWord = (this.#address + this.#last) >>> 2;
    this.#runStart = this.count - 1;
    const records = Math.min(RUN.records - 1, this.#maxRecords - this.count);
    this.#runStride = aligned(length);
    this.#runEnd = Math.min(this.#capacity, this.used + records * this.#runStride);
    this.#runLength = length;
    this.#runSequence = sequence;
    this.#runIndex = index;
    this.#runOutput = output;
    this.#runUs = receivedUs;
  }

  /** The last record has no head of its own. */
  get #isInRun(): boolean {
    return this.#runLength >= 0 && this.count - this.#runStart > 1;
  }

  /**
   * Gives the last record of a run a head, because it was received too long after the first. Without room for a head,
   * it only seems older.
   */
  #leaveRun(receivedUs: number): void {
    if (RECORD.bytes > this.#capacity - this.used) return;
    const length = this.#runLength;
    const output = this.#runOutput;
    const end = this.#address + this.used;
    this.undo();
    const from = this.#address + this.used;
    this.#bytes.copyWithin(from + RECORD.bytes, from, end);
    const before = this.count - this.#runStart;
    const sequence = this.#runSequence + before;
    const index = this.#runIndex + before;
    this.#head(length, sequence, this.#timestamp, receivedUs, index | (output << 16), RECORD.bytes + aligned(length), false, 0);
    this.#beginRun(length, sequence, receivedUs, index, output);
  }

  #isSameTime(timestamp: number): boolean {
    return timestamp === this.#timestamp || (Number.isNaN(timestamp) && Number.isNaN(this.#timestamp));
  }

  /**
   * Appends a record with its own dtype, shape and meta. Returns the address of its data, or -1 when it does not fit.
   */
  appendOwn(
    code: number,
    shape: readonly number[],
    meta: Uint8Array,
    length: number,
    sequence: number,
    timestamp: number,
    receivedUs: number,
    index: number,
    output: number,
    parametersHigh = 0,
    parametersLow = 0,
  ): number {
    const times = this.hasOwnTimes(sequence, timestamp);
    const bytes = recordBytes(length, times, true, meta.length);
    if (!this.fits(bytes) || length > MAX_LENGTH) return -1;
    const at = this.#head(length, sequence, timestamp, receivedUs, index | (output << 16), bytes, times, OWN.kind);
    const kind = at >>> 2;
    this.#words[kind + RECORD_KIND.kind / 4] = code | (shape.length << 8);
    for (let i = 0; i < 4; i++) this.#words[kind + RECORD_KIND.shape / 4 + i] = shape[i] ?? 0;
    this.#words[kind + RECORD_KIND.metaLength / 4] = meta.length;
    this.#words[kind + RECORD_KIND.parametersHigh / 4] = parametersHigh;
    this.#words[kind + RECORD_KIND.parametersLow / 4] = parametersLow;
    const data = at + RECORD_KIND.bytes;
    if (meta.length) this.#bytes.set(meta, data + aligned(length));
    return data;
  }

  #head(
    length: number,
    sequence: number,
    timestamp: number,
    receivedUs: number,
    number: number,
    bytes: number,
    times: boolean,
    own: number,
  ): number {
    const at = this.#address + this.used;
    const word = at >>> 2;
    const words = this.#words;
    if (this.count === 0) {
      this.firstUs = receivedUs;
      this.#sequence = sequence;
      this.#timestamp = timestamp;
    }
    words[word + RECORD.length / 4] = length;
    words[word + RECORD.number / 4] = number;
    words[word + RECORD.received / 4] = this.#after(receivedUs) | own | (times ? OWN.times : 0);
    words[word + RECORD.step / 4] = sequence - this.#sequence;
    this.#runLength = -1;
    this.#runEnd = -1;
    this.#last = this.used;
    this.#lastLength = length;
    this.dataBytes += length;
    this.used += bytes;
    this.count++;
    if (!times) return at + RECORD.bytes;
    this.#floats[(at + RECORD.bytes + RECORD_TIMES.sequence) >>> 3] = sequence;
    this.#floats[(at + RECORD.bytes + RECORD_TIMES.timestamp) >>> 3] = timestamp;
    return at + RECORD.bytes + RECORD_TIMES.bytes;
  }

  #after(receivedUs: number): number {
    const after = receivedUs - this.firstUs;
    if (after <= 0) return 0;
    return after < MAX_AFTER_US ? after | 0 : MAX_AFTER_US;
  }

  /** Sets when the last record was received. */
  stamp(receivedUs: number): void {
    if (this.count === 1) this.firstUs = receivedUs;
    if (this.#isInRun) {
      if (receivedUs - this.#runUs > RUN.us) this.#leaveRun(receivedUs);
      return;
    }
    this.#runUs = receivedUs;
    const word = (this.#address + this.#last + RECORD.received) >>> 2;
    this.#words[word] = (this.#words[word]! & ~MAX_AFTER_US) | this.#after(receivedUs);
  }

  /** Removes the last record; only once after each `append`. */
  undo(): void {
    this.count--;
    if (this.#runLength >= 0 && this.count > this.#runStart) {
      this.used -= aligned(this.#runLength);
      this.dataBytes -= this.#runLength;
      this.#words[this.#runWord] = this.#runLength | ((this.count - this.#runStart - 1) << MORE_SHIFT);
    } else {
      this.used = this.#last;
      this.dataBytes -= this.#lastLength;
      this.#runLength = -1;
      this.#runEnd = -1;
    }
  }

  /** Writes the header of the slot that contains the records. */
  close(slot: FrameView, source: number, ordinal: number, series: number, block = 0): void {
    const at = slot.header >>> 2;
    const metaOffset = this.used;
    if (this.#meta.length) this.#bytes.set(this.#meta, this.#address + metaOffset);
    this.#words[at + SLOT.kind / 4] = this.#kind | FLAGS.parcel;
    this.#words[at + SLOT.count / 4] = this.count | (block << 16);
    this.#words[at + SLOT.parametersHigh / 4] = this.#parametersHigh;
    this.#words[at + SLOT.parametersLow / 4] = this.#parametersLow;
    for (let i = 0; i < 4; i++) this.#words[at + SLOT.shape / 4 + i] = this.#shape[i] ?? 0;
    this.#words[at + SLOT.length / 4] = this.used;
    this.#words[at + SLOT.source / 4] = source;
    this.#words[at + SLOT.ordinal / 4] = ordinal;
    this.#words[at + SLOT.series / 4] = series;
    this.#words[at + SLOT.metaOffset / 4] = metaOffset;
    this.#words[at + SLOT.metaLength / 4] = this.#meta.length;
    this.#floats[(slot.header + SLOT.sequence) >>> 3] = this.#sequence;
    this.#floats[(slot.header + SLOT.timestamp) >>> 3] = this.#timestamp;
    this.#floats[(slot.header + SLOT.receivedUs) >>> 3] = this.firstUs;
  }
}
