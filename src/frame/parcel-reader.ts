import { MillraceError } from '../errors/errors.js';
import type { ArenaViews } from './arena-views.js';
import { DTYPES, itemSize, MAX_DIMENSIONS } from './dtype.js';
import { aligned, MAX_AFTER_US, MAX_LENGTH, MORE_SHIFT, OWN, RECORD, RECORD_KIND, RECORD_TIMES } from './parcel-layout.js';

/**
 * Iterates over the records of a parcel. After `next()` its fields describe a record. Each length is checked before
 * use: no byte outside the parcel is ever read. Throws ERR_FORMAT for an inconsistent parcel.
 */
export class ParcelReader {
  sequence = 0;
  timestamp = 0;
  receivedUs = 0;
  index = 0;
  output = 0;
  /** Address and bytes of the data. */
  address = 0;
  length = 0;
  /** The record has dtype, shape and meta of its own. */
  own = false;
  kind = 0;
  metaAddress = 0;
  metaLength = 0;
  parametersHigh = 0;
  parametersLow = 0;
  readonly sides: [number, number, number, number] = [0, 0, 0, 0];
  readonly #words: Int32Array;
  readonly #floats: Float64Array;
  #at = 0;
  #end = 0;
  #left = 0;
  /** Number of records that follow in a run, and their distance. */
  #more = 0;
  #stride = 0;
  #baseUs = 0;
  #sequence = 0;
  #timestamp = 0;

  constructor(arena: ArenaViews) {
    this.#words = arena.words;
    this.#floats = arena.floats;
  }

  /**
   * Starts with `count` records in `length` bytes at an address, of at most `capacity`. The others come from the slot:
   * when the first record was received, its sequence and timestamp.
   */
  open(address: number, length: number, capacity: number, count: number, baseUs: number, sequence: number, timestamp: number): void {
    if (!(length >= 0 && length <= capacity)) wrong(`${length} bytes in a slot of ${capacity}`);
    this.#at = address;
    this.#end = address + length;
    this.#left = count;
    this.#more = 0;
    this.#baseUs = baseUs;
    this.#sequence = sequence;
    this.#timestamp = timestamp;
  }

  next(): boolean {
    if (this.#left === 0) return false;
    this.#left--;
    if (this.#more > 0) {
      this.#more--;
      this.address += this.#stride;
      this.sequence++;
      this.index++;
      return true;
    }
    this.#readHead();
    return true;
  }

  #readHead(): void {
    const at = this.#at;
    const room = this.#end - at - RECORD.bytes;
    if (room < 0) wrong(`the head of a record ends ${-room} bytes behind it`);
    const words = this.#words;
    const word = at >>> 2;
    const first = words[word + RECORD.length / 4]!;
    const length = first & MAX_LENGTH;
    const more = first >>> MORE_SHIFT;
    const number = words[word + RECORD.number / 4]!;
    const received = words[word + RECORD.received / 4]!;
    this.receivedUs = this.#baseUs + (received & MAX_AFTER_US);
    this.sequence = this.#sequence + (words[word + RECORD.step / 4]! >>> 0);
    this.timestamp = this.#timestamp;
    this.index = number & 0xffff;
    this.output = number >>> 16;
    this.length = length;
    this.address = at + RECORD.bytes;
    this.own = false;
    if (more > this.#left) wrong(`a run of ${more} more records where ${this.#left} follow`);
    if ((received & (OWN.kind | OWN.times)) !== 0) {
      if (more > 0) wrong('a run of records with times or kind of their own');
      this.#readOwn(received, length, room);
      return;
    }
    const stride = aligned(length);
    if (more * stride + length > room) wrong(`${more + 1} records of ${length} bytes in ${room}`);
    this.#more = more;
    this.#stride = stride;
    this.#at = this.address + (more + 1) * stride;
  }

  #readOwn(own: number, length: number, room: number): void {
    let left = room;
    if ((own & OWN.times) !== 0) {
      left -= RECORD_TIMES.bytes;
      if (left < 0) wrong(`the times of a record in ${room} bytes`);
      this.sequence = this.#floats[(this.address + RECORD_TIMES.sequence) >>> 3]!;
      this.timestamp = this.#floats[(this.address + RECORD_TIMES.timestamp) >>> 3]!;
      this.address += RECORD_TIMES.bytes;
    }
    if ((own & OWN.kind) !== 0) {
      this.own = true;
      this.#readKind(length, left);
      return;
    }
    if (length > left) wrong(`a record of ${length} bytes in ${left}`);
    this.#at = this.address + aligned(length);
  }

  #readKind(length: number, room: number): void {
    const words = this.#words;
    const left = room - RECORD_KIND.bytes;
    if (left < 0 || length > left) wrong(`a record of ${length} bytes with its kind in ${room}`);
    const at = this.address >>> 2;
    const kind = words[at + RECORD_KIND.kind / 4]!;
    const dimensions = kind >>> 8;
    const dtype = DTYPES[kind & 0xff];
    if (dtype === undefined || dimensions > MAX_DIMENSIONS) wrong(`a record of kind ${kind}`);
    let items = 1;
    for (let i = 0; i < 4; i++) {
      const side = words[at + RECORD_KIND.shape / 4 + i]!;
      this.sides[i] = side;
      if (i < dimensions) items *= side;
    }
    if (items * itemSize(dtype) !== length) wrong(`a record of ${length} bytes for ${items} of ${dtype}`);
    this.kind = kind;
    this.parametersHigh = words[at + RECORD_KIND.parametersHigh / 4]!;
    this.parametersLow = words[at + RECORD_KIND.parametersLow / 4]!;
    this.metaLength = words[at + RECORD_KIND.metaLength / 4]! >>> 0;
    this.address += RECORD_KIND.bytes;
    this.metaAddress = this.address + aligned(length);
    if (this.metaLength > left - aligned(length)) wrong(`${this.metaLength} bytes of meta in ${left - aligned(length)}`);
    this.#at = this.metaAddress + aligned(this.metaLength);
  }
}

function wrong(what: string): never {
  throw new MillraceError('ERR_FORMAT', `inconsistent parcel: ${what}`);
}
