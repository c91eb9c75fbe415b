import { MillraceError } from '../../errors/errors.js';
import { dtypeCode } from '../../frame/dtype.js';
import { encodeMeta, type FrameView } from '../../frame/frame-view.js';
import { MAX_LENGTH, recordBytes } from '../../frame/parcel-layout.js';
import { ParcelReader } from '../../frame/parcel-reader.js';
import { ParcelWriter } from '../../frame/parcel-writer.js';
import { MAX_META_BYTES } from '../../frame/slot-layout.js';
import { OUTCOME } from '../../observe/outcome.js';
import type { MetaKey, StageNode } from '../../plan/plan-types.js';
import type { Attachment } from '../thread/attachment.js';
import { sameWays } from '../thread/route-by-key.js';
import { unpack } from '../thread/unpack.js';
import type { Aggregates, Lane, OutputStock } from './lane.js';

/** The count of a slot is a u16. */
const MAX_PACKED = 0xffff;

/** What a parcel needs of the worker that it is in. */
export interface RecordWork {
  /** Tries the chain on the records of one input until it succeeds or the attempts are used up: the outcome of a failure, or -1. */
  process(lane: Lane, records: readonly FrameView[]): number | Promise<number>;
  /** Reports an input that failed without its operators; returns the outcome. */
  failed(error: unknown, records: readonly FrameView[]): number;
}

/**
 * A parcel in a chain: each record (or the records together that an earlier stage made from one) is an input with its
 * own attempts and its own outcome. As long as all pass unchanged, nothing is copied; from the first that does not,
 * outputs are packed into slots of the stage.
 */
export class ParcelRun {
  /** Slots of packed outputs, as they go on. */
  readonly outputs: FrameView[] = [];
  /** A byte for each record that the source sent: 0, or 1 + the code by which it ended here. */
  readonly ended: Uint8Array;
  /** The parcel passes unchanged. */
  passesOn = true;
  records = 0;
  bytes = 0;
  /** Codes by which records ended, a bit each. */
  codes = 0;
  readonly #stock: OutputStock;
  readonly #work: RecordWork;
  readonly #aggregates: Aggregates;
  readonly #keys: readonly MetaKey[];
  readonly #sourceNames: readonly string[];
  readonly #arena: Attachment['arena'];
  readonly #reader: ParcelReader;
  readonly #writer: ParcelWriter;
  readonly #views: FrameView[] = [];
  readonly #group: FrameView[] = [];
  #target: FrameView | undefined;
  #parcel!: FrameView;
  #lane!: Lane;

  constructor(
    stock: OutputStock,
    attachment: Attachment,
    { maxRecords, keys }: Pick<StageNode, 'maxRecords' | 'keys'>,
    work: RecordWork,
    aggregates: Aggregates,
  ) {
    this.#stock = stock;
    this.#aggregates = aggregates;
    this.#keys = keys;
    this.#sourceNames = attachment.sourceNames;
    this.#work = work;
    this.#arena = attachment.arena;
    this.#reader = new ParcelReader(attachment.arena);
    this.#writer = new ParcelWriter(attachment.arena);
    this.ended = new Uint8Array(maxRecords);
  }

  /** Runs the chain on every record of the parcels of one reference. Each fails by itself: it neither throws nor rejects for them. */
  run(lane: Lane, parcels: readonly FrameView[]): -1 | Promise<-1> {
    this.outputs.length = 0;
    this.ended.fill(0);
    this.passesOn = true;
    this.codes = 0;
    this.bytes = 0;
    this.#target = undefined;
    this.#lane = lane;
    this.#parcel = parcels[0]!;
    if (this.#lane.isEmpty) {
      this.records = parcels.reduce((sum, { records }) => sum + records, 0);
      this.bytes = this.#dataBytes(parcels);
      return -1;
    }
    this.records = unpack(parcels, this.#reader, this.#views, this.#arena);
    return this.#from(0);
  }

  #dataBytes(parcels: readonly FrameView[]): number {
    let bytes = 0;
    for (const parcel of parcels) {
      parcel.unpack(this.#reader);
      while (this.#reader.next()) bytes += this.#reader.length;
    }
    return bytes;
  }

  #from(first: number): -1 | Promise<-1> {
    for (let at = first; at < this.records; ) {
      const begin = at;
      const { index } = this.#views[at]!;
      this.#group.length = 0;
      for (; at < this.records && this.#views[at]!.index === index; at++) {
        this.bytes += this.#views[at]!.lengthBytes;
        this.#group.push(this.#views[at]!);
      }
      const outcome = this.#work.process(this.#lane, this.#group);
      if (typeof outcome !== 'number') {
        const next = at;
        return outcome.then((later) => {
          this.#after(begin, later);
          return this.#from(next);
        });
      }
      this.#after(begin, outcome);
    }
    this.#closeTarget();
    return -1;
  }

  #after(begin: number, outcome: number): void {
    const lane = this.#lane;
    if (outcome >= 0) {
      this.#end(begin, outcome);
      return;
    }
    this.#aggregates.partials?.keep();
    if (lane.outputs.length === 0) {
      this.#aggregates.held?.keep();
      this.#end(begin, lane.merged ? OUTCOME.merged : OUTCOME.filtered);
      return;
    }
    if (this.passesOn && lane.passesOn) {
      this.#aggregates.held?.keep();
      return;
    }
    try {
      this.#packBefore(begin);
      const made = !lane.passesOn;
      if (made) {
        this.#checkWays(lane.outputs);
        lane.mark();
      }
      this.#pack(lane.outputs, made);
      this.#aggregates.held?.keep();
    } catch (error) {
      lane.loseHeld();
      this.#end(begin, this.#work.failed(error, this.#group));
    }
    lane.recycle();
  }

  /** All records of a parcel go to one worker wherever a stage behind chooses by a key of the meta: what is made must too. */
  #checkWays(outputs: readonly FrameView[]): void {
    if (this.#keys.length === 0) return;
    for (const { rawMeta, meta } of outputs) {
      if (rawMeta === this.#parcel.rawMeta || sameWays(this.#keys, meta, this.#parcel.meta)) continue;
      const keys = this.#keys.map(({ name }) => name).join("', '");
      throw new MillraceError(
        'ERR_OPERATOR_OUTPUT',
        `a record of a parcel has another '${keys}' in its meta than it came with, by which a stage behind chooses its worker: leave out the parcel of '${this.#parcel.source}'`,
      );
    }
  }

  #end(begin: number, code: number): void {
    this.#packBefore(begin);
    this.ended[this.#group[0]!.index] = code + 1;
    this.codes |= 1 << code;
  }

  /** The first record that does not pass: those before it are copied. */
  #packBefore(begin: number): void {
    if (!this.passesOn) return;
    this.passesOn = false;
    const one: FrameView[] = [];
    for (let at = 0; at < begin; at++) {
      one[0] = this.#views[at]!;
      try {
        this.#pack(one, false);
      } catch (error) {
        // They came in as many slots at most; still, a worker does not die of one that finds no room.
        const code = this.#work.failed(error, one);
        this.ended[one[0].index] = code + 1;
        this.codes |= 1 << code;
      }
    }
  }

  /** The outputs of one input, all in one slot. `made`: here, so that the second of them and the others get their numbers. */
  #pack(outputs: readonly FrameView[], made: boolean): void {
    const index = made ? this.#group[0]!.index : outputs[0]!.index;
    // Before a slot is taken, and before the first is written: all of the outputs go on, or none.
    checkLimits(outputs, made);
    if (!this.#target || !this.#writer.fits(this.#sizeOf(outputs, made), outputs.length)) this.#nextTarget(outputs[0]!);
    const bytes = this.#sizeOf(outputs, made);
    if (!this.#writer.fits(bytes, outputs.length))
      throw new MillraceError('ERR_OPERATOR_OUTPUT', `the outputs of a record, ${bytes} bytes with their heads, do not fit in a parcel`);
    for (let i = 0; i < outputs.length; i++) {
      const output = outputs[i]!;
      this.#append(output, index, metaOf(output, made ? i : 0), made ? i : output.output);
    }
  }

  #sizeOf(outputs: readonly FrameView[], made: boolean): number {
    let bytes = 0;
    for (let i = 0; i < outputs.length; i++) {
      const output = outputs[i]!;
      const meta = metaOf(output, made ? i : 0);
      const writer = this.#writer;
      const ownTimes = writer.hasOwnTimes(output.sequence, output.timestamp);
      const ownKind = !writer.isSame(dtypeCode(output.dtype), output.shape, meta, output.parametersHigh, output.parametersLow);
      bytes += recordBytes(output.lengthBytes, ownTimes, ownKind, meta.length);
    }
    return bytes;
  }

  #nextTarget(like: FrameView): void {
    // One that was begun for outputs that found no room in it is still empty.
    const slot = this.#target && this.#writer.count === 0 ? this.#target : this.#stock.take();
    if (!slot)
      throw new MillraceError(
        'ERR_OPERATOR_OUTPUT',
        `the outputs of a parcel need more room than the slots that the stage has for one; set fewer 'bytes' for the parcel of '${this.#parcel.source}'`,
      );
    if (slot !== this.#target) this.#closeTarget();
    this.#target = slot;
    this.#writer.open(
      slot.address,
      slot.maxDataBytes,
      MAX_PACKED,
      dtypeCode(like.dtype),
      like.shape,
      like.rawMeta,
      like.parametersHigh,
      like.parametersLow,
    );
  }

  #append(frame: FrameView, index: number, meta: Uint8Array, output: number): void {
    const { lengthBytes, sequence, timestamp, receivedUs, parametersHigh, parametersLow } = frame;
    const code = dtypeCode(frame.dtype);
    const to = this.#writer.isSame(code, frame.shape, meta, parametersHigh, parametersLow)
      ? this.#writer.append(lengthBytes, sequence, timestamp, receivedUs, index, output)
      : this.#writer.appendOwn(
          code,
          frame.shape,
          meta,
          lengthBytes,
          sequence,
          timestamp,
          receivedUs,
          index,
          output,
          parametersHigh,
          parametersLow,
        );
    if (to < 0) throw new MillraceError('ERR_OPERATOR_OUTPUT', `a record of ${lengthBytes} bytes does not fit in a parcel`);
    this.#arena.bytes.copyWithin(to, frame.address, frame.address + lengthBytes);
  }

  #closeTarget(): void {
    const slot = this.#target;
    if (!slot) return;
    this.#target = undefined;
    if (this.#writer.count === 0) {
      this.#stock.putBack(slot);
      return;
    }
    const { sourceIndex, ordinal, series, block } = this.#parcel;
    this.#writer.close(slot, sourceIndex, ordinal, series, block);
    slot.load(this.#sourceNames); // The code that chooses an edge for it checks it.
    this.outputs.push(slot);
  }
}

/** Throws ERR_OPERATOR_OUTPUT when the meta or the data of an output is longer than a record may have. */
function checkLimits(outputs: readonly FrameView[], made: boolean): void {
  for (let i = 0; i < outputs.length; i++) {
    const output = outputs[i]!;
    const { length } = metaOf(output, made ? i : 0);
    if (length > MAX_META_BYTES)
      throw new MillraceError('ERR_OPERATOR_OUTPUT', `the meta of a frame has ${length} bytes of at most ${MAX_META_BYTES}`);
    if (output.lengthBytes > MAX_LENGTH)
      throw new MillraceError('ERR_OPERATOR_OUTPUT', `a record of a parcel has ${output.lengthBytes} bytes of at most ${MAX_LENGTH}`);
  }
}

/** The meta of an output as passed on: it marks a second output of one input. */
function metaOf(frame: FrameView, number: number): Uint8Array {
  return number === 0 ? frame.rawMeta : encodeMeta({ ...frame.meta, output: number });
}
