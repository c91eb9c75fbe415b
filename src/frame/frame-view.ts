import { MillraceError } from '../errors/errors.js';
import type { ArenaViews } from './arena-views.js';
import {
  byteLength,
  DTYPES,
  type DType,
  dtypeCode,
  itemCount,
  itemSize,
  MAX_DIMENSIONS,
  MAX_SIDE,
  type TypedArray,
  typedView,
} from './dtype.js';
import type { Meta, MutableFrame } from './frame.js';
import { parametersText } from './parameters-stamp.js';
import type { ParcelReader } from './parcel-reader.js';
import { FLAGS, MAX_META_BYTES, SLOT } from './slot-layout.js';

const NO_META: Meta = Object.freeze({});
const NO_BYTES = new Uint8Array(0);
/** A separate layout for one-dimensional `bytes`: in a parcel each record has its own length. */
const BYTES_KIND = 0x100;
const decoder = new TextDecoder();
const encoder = new TextEncoder();
const encoded = new WeakMap<Meta, Uint8Array>();

/** JSON of a meta object; cached, because most frames of a run share the same object. */
export function encodeMeta(meta: Meta): Uint8Array {
  let bytes = encoded.get(meta);
  if (!bytes) {
    const text = JSON.stringify(meta);
    bytes = text === '{}' ? NO_BYTES : encoder.encode(text);
    encoded.set(meta, bytes);
  }
  return bytes;
}

/**
 * A frame over a piece of the arena: a slot (header and payload), or worker scratch (no header). Each slot has one
 * object per thread, whose views are kept as long as address, dtype and length stay the same.
 */
export class FrameView implements MutableFrame {
  source = '';
  sourceIndex = 0;
  ordinal = 0;
  sequence = 0;
  timestamp = Number.NaN;
  receivedUs = 0;
  /** Number of the series within its source; 0: the source has no series. */
  series = 0;
  /** No further frame of its series follows. */
  ends = false;
  /** It only carries the end of the series, and is not a frame of the sender. */
  empty = false;
  parametersHigh = 0;
  parametersLow = 0;
  /** Number of records of a parcel with this dtype, shape and meta; 0: it is an ordinary frame. */
  records = 0;
  /** Its block of its source's records, if the source sends parcels. */
  block = 0;
  /** Number of a record within the parcel that its source sent. */
  index = 0;
  /** Number of a record among the outputs of one. */
  output = 0;
  shape: readonly number[] = [];
  dtype: DType = 'bytes';
  /** Bytes of data; of a parcel, of all its records. */
  lengthBytes = 0;
  /** Byte address of the data: where the slot's payload is, or the record's data. */
  address: number;
  /** The event that it represents; set by the stage that joins, until the slot is read again. */
  joined: readonly FrameView[] | undefined = undefined;
  /** Marks the frame as passed out but not yet emitted, by the chain that made it. */
  owner: unknown = undefined;

  #kind = -1;
  #sides: [number, number, number, number] = [-1, -1, -1, -1];
  // Created on demand: most records of a parcel are never viewed both ways.
  #data: TypedArray | undefined;
  #bytes: Uint8Array | undefined;
  #meta: Meta | undefined;
  #rawMeta: Uint8Array = NO_BYTES;

  constructor(
    readonly arena: ArenaViews,
    /** Slot number, or -1 for scratch. */
    readonly slot: number,
    /** Byte address of the header; unused for scratch. */
    readonly header: number,
    address: number,
    /** Maximum bytes of data. */
    readonly maxDataBytes: number,
  ) {
    this.address = address;
  }

  get data(): TypedArray {
    this.#data ??= typedView(this.dtype, this.arena.buffer, this.address, itemCount(this.shape));
    return this.#data;
  }

  get bytes(): Uint8Array {
    this.#bytes ??= new Uint8Array(this.arena.buffer, this.address, itemCount(this.shape) * itemSize(this.dtype));
    return this.#bytes;
  }

  get parameters(): string {
    return parametersText(this.parametersHigh, this.parametersLow);
  }

  get meta(): Meta {
    if (this.#meta === undefined) this.#meta = this.#rawMeta.length ? (JSON.parse(decoder.decode(this.#rawMeta.slice())) as Meta) : NO_META;
    return this.#meta;
  }

  set meta(meta: Meta) {
    this.#meta = meta;
    this.#rawMeta = encodeMeta(meta);
  }

  /** The meta as stored in memory: empty, or a JSON object in UTF-8. */
  get rawMeta(): Uint8Array {
    return this.#rawMeta;
  }

  /** Copies another frame's meta without parsing it. */
  inheritMeta(from: FrameView): void {
    this.#meta = from.#meta;
    this.#rawMeta = from.#rawMeta;
  }

  /** Reads the header of a slot that this thread holds. */
  load(sourceNames: readonly string[]): this {
    const { words, floats } = this.arena;
    const at = this.header >>> 2;
    this.joined = undefined;
    const kind = words[at + SLOT.kind / 4]!;
    const dimensions = (kind >>> 8) & 0xff;
    const sides = at + SLOT.shape / 4;
    this.#reshape(kind & 0xff, dimensions, words[sides]!, words[sides + 1]!, words[sides + 2]!, words[sides + 3]!);
    this.sourceIndex = words[at + SLOT.source / 4]!;
    this.source = sourceNames[this.sourceIndex]!;
    this.ordinal = words[at + SLOT.ordinal / 4]! >>> 0;
    this.sequence = floats[(this.header + SLOT.sequence) >>> 3]!;
    this.timestamp = floats[(this.header + SLOT.timestamp) >>> 3]!;
    this.receivedUs = floats[(this.header + SLOT.receivedUs) >>> 3]!;
    this.series = words[at + SLOT.series / 4]! >>> 0;
    this.ends = (kind & FLAGS.ends) !== 0;
    this.empty = (kind & FLAGS.empty) !== 0;
    this.parametersHigh = words[at + SLOT.parametersHigh / 4]!;
    this.parametersLow = words[at + SLOT.parametersLow / 4]!;
    const count = words[at + SLOT.count / 4]!;
    this.records = (kind & FLAGS.parcel) !== 0 ? count & 0xffff : 0;
    this.block = count >>> 16;
    if (this.records > 0) this.lengthBytes = words[at + SLOT.length / 4]!;
    const metaLength = words[at + SLOT.metaLength / 4]!;
    this.#meta = undefined;
    this.#rawMeta = metaLength
      ? new Uint8Array(this.arena.buffer, this.address + (words[at + SLOT.metaOffset / 4]! >>> 0), metaLength)
      : NO_BYTES;
    return this;
  }

  /** Starts to read the records of a parcel that was loaded. */
  unpack(reader: ParcelReader): void {
    reader.open(this.address, this.lengthBytes, this.maxDataBytes, this.records, this.receivedUs, this.sequence, this.timestamp);
  }

  /** Becomes the current record of a reader, in a parcel that was loaded. */
  loadRecord(record: ParcelReader, parcel: FrameView): this {
    const { length } = record;
    const moved = this.address !== record.address;
    this.address = record.address;
    if (record.own) {
      const [a, b, c, d] = record.sides;
      this.#reshape(record.kind & 0xff, record.kind >>> 8, a, b, c, d);
      this.#meta = undefined;
      this.#rawMeta = record.metaLength ? new Uint8Array(this.arena.buffer, record.metaAddress, record.metaLength) : NO_BYTES;
    } else {
      const [a, b, c, d] = parcel.#sides;
      const kind = parcel.#kind;
      this.#reshape(kind & 0xff, kind >>> 8, kind === BYTES_KIND ? length : a, b, c, d);
      if (this.lengthBytes !== length)
        throw new MillraceError('ERR_FORMAT', `inconsistent parcel: a record of ${length} bytes instead of ${this.lengthBytes}`);
      if (this.#rawMeta !== parcel.#rawMeta) this.#meta = undefined;
      this.#rawMeta = parcel.#rawMeta;
    }
    if (moved) this.#forgetViews();
    this.source = parcel.source;
    this.sourceIndex = parcel.sourceIndex;
    this.ordinal = parcel.ordinal;
    this.series = parcel.series;
    this.sequence = record.sequence;
    this.timestamp = record.timestamp;
    this.receivedUs = record.receivedUs;
    this.index = record.index;
    this.block = parcel.block;
    this.parametersHigh = record.own ? record.parametersHigh : parcel.parametersHigh;
    this.parametersLow = record.own ? record.parametersLow : parcel.parametersLow;
    this.output = record.output;
    return this;
  }

  /** Gives a new frame its dtype and shape. Throws ERR_OPERATOR_OUTPUT when it does not fit. */
  begin(dtype: DType, shape: readonly number[]): void {
    if (shape.length > MAX_DIMENSIONS || !shape.every((side) => Number.isInteger(side) && side >= 0 && side <= MAX_SIDE)) {
      throw new MillraceError(
        'ERR_OPERATOR_OUTPUT',
        `cannot make a frame of shape [${shape}]: at most ${MAX_DIMENSIONS} dimensions, integers from 0 to ${MAX_SIDE}`,
      );
    }
    const bytes = byteLength(dtype, shape);
    if (bytes > this.maxDataBytes)
      throw new MillraceError(
        'ERR_OPERATOR_OUTPUT',
        `a frame of ${bytes} bytes (${dtype} [${shape}]) does not fit in a slot of ${this.maxDataBytes} bytes`,
      );
    this.#reshape(dtypeCode(dtype), shape.length, shape[0] ?? 0, shape[1] ?? 0, shape[2] ?? 0, shape[3] ?? 0);
    this.#meta = NO_META;
    this.#rawMeta = NO_BYTES;
    this.ends = false;
    this.empty = false;
    this.parametersHigh = 0;
    this.parametersLow = 0;
    this.joined = undefined;
    this.records = 0;
    this.block = 0;
  }

  /** Writes header and meta of a slot, before it is committed. Throws ERR_OPERATOR_OUTPUT when the meta does not fit. */
  store(): void {
    const { words, floats, bytes } = this.arena;
    const at = this.header >>> 2;
    const dataBytes = this.lengthBytes;
    const metaOffset = (dataBytes + 7) & ~7;
    const meta = this.#rawMeta;
    if (meta.length > MAX_META_BYTES)
      throw new MillraceError('ERR_OPERATOR_OUTPUT', `the meta of a frame has ${meta.length} bytes, but the limit is ${MAX_META_BYTES}`);
    if (meta.length) bytes.set(meta, this.address + metaOffset);
    words[at + SLOT.kind / 4] = this.#kind | (this.ends ? FLAGS.ends : 0) | (this.empty ? FLAGS.empty : 0);
    words[at + SLOT.series / 4] = this.series;
    words[at + SLOT.count / 4] = this.block << 16;
    words[at + SLOT.parametersHigh / 4] = this.parametersHigh;
    words[at + SLOT.parametersLow / 4] = this.parametersLow;
    for (let i = 0; i < 4; i++) words[at + SLOT.shape / 4 + i] = this.#sides[i]!;
    words[at + SLOT.length / 4] = dataBytes;
    words[at + SLOT.source / 4] = this.sourceIndex;
    words[at + SLOT.ordinal / 4] = this.ordinal;
    words[at + SLOT.metaOffset / 4] = metaOffset;
    words[at + SLOT.metaLength / 4] = meta.length;
    floats[(this.header + SLOT.sequence) >>> 3] = this.sequence;
    floats[(this.header + SLOT.timestamp) >>> 3] = this.timestamp;
    floats[(this.header + SLOT.receivedUs) >>> 3] = this.receivedUs;
  }

  #reshape(code: number, dimensions: number, a: number, b: number, c: number, d: number): void {
    const kind = code | (dimensions << 8);
    const sides = this.#sides;
    if (kind !== this.#kind || a !== sides[0] || b !== sides[1] || c !== sides[2] || d !== sides[3]) {
      this.#kind = kind;
      this.#sides = [a, b, c, d];
      this.dtype = DTYPES[code]!;
      this.shape = Object.freeze(this.#sides.slice(0, dimensions));
      this.#forgetViews();
    }
    this.lengthBytes = byteLength(this.dtype, this.shape);
  }

  #forgetViews(): void {
    this.#data = undefined;
    this.#bytes = undefined;
  }
}
