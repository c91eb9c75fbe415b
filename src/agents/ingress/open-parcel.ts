import { dtypeCode, MAX_DIMENSIONS, MAX_SIDE } from '../../frame/dtype.js';
import type { FrameHeader, Meta } from '../../frame/frame.js';
import { encodeMeta, type FrameView } from '../../frame/frame-view.js';
import { blockOf, recordBytes } from '../../frame/parcel-layout.js';
import type { ParcelWriter } from '../../frame/parcel-writer.js';
import type { ParcelPlan } from '../../plan/plan-types.js';
import { sameWays } from '../thread/route-by-key.js';

const NO_META = new Uint8Array(0);
const NO_KEYS: Meta = Object.freeze({});
/** Above this a timer waits, to the millisecond; the rest is waited for by turns of the event loop. */
const TIMER_FROM_US = 2000;

/** The parcel that an ingress fills: which records fit, and when it has waited long enough. */
export class OpenParcel {
  /** The slot that is being filled. */
  slot: FrameView | undefined;
  /** A record was begun that is neither committed nor taken back. */
  claimed = false;
  readonly writer: ParcelWriter;
  readonly #plan: ParcelPlan;
  readonly #nowUs: () => number;
  readonly #onDue: () => void;
  #block = 0;
  #meta: Meta = NO_KEYS;
  #armed = false;

  /** `onDue`: called in a separate turn when the first record has waited long enough. */
  constructor(writer: ParcelWriter, plan: ParcelPlan, nowUs: () => number, onDue: () => void) {
    this.writer = writer;
    this.#plan = plan;
    this.#nowUs = nowUs;
    this.#onDue = onDue;
  }

  /** Whether a message can be a record: what is larger than a parcel goes alone. */
  takes(header: FrameHeader, dataBytes: number): boolean {
    if (header.shape.length > MAX_DIMENSIONS) return false;
    for (let i = 0; i < header.shape.length; i++) {
      const side = header.shape[i]!;
      if (!(Number.isInteger(side) && side >= 0 && side <= MAX_SIDE)) return false; // The code that makes a frame of it reports the error.
    }
    const meta = header.meta ? encodeMeta(header.meta).length : 0;
    return recordBytes(dataBytes, true, true, meta) <= this.#plan.bytes;
  }

  /** The same of a message of which only the length is known. */
  takesBytes(dataBytes: number): boolean {
    return recordBytes(dataBytes, true, true, 0) <= this.#plan.bytes;
  }

  /** Begins with a record that has this number among those of the source. */
  open(slot: FrameView, { dtype, shape, meta }: FrameHeader, number: number): void {
    this.slot = slot;
    this.#block = blockOf(number);
    this.#meta = meta ?? NO_KEYS;
    this.writer.open(
      slot.address,
      this.#plan.bytes,
      this.#plan.maxRecords,
      dtypeCode(dtype),
      shape.slice(),
      meta ? encodeMeta(meta) : NO_META,
    );
  }

  /** Address of the data of one more record with this number, or -1: it does not fit, or goes another way than the others. */
  append({ dtype, shape, meta, timestamp }: FrameHeader, dataBytes: number, sequence: number, number: number): number {
    const { writer } = this;
    if (this.#plan.byBlock && blockOf(number) !== this.#block) return -1;
    if (!sameWays(this.#plan.keys, meta ?? NO_KEYS, this.#meta)) return -1;
    const code = dtypeCode(dtype);
    const raw = meta ? encodeMeta(meta) : NO_META;
    const index = writer.count;
    const at = timestamp ?? Number.NaN;
    return writer.isSame(code, shape, raw)
      ? writer.append(dataBytes, sequence, at, Number.NaN, index, 0)
      : writer.appendOwn(code, shape, raw, dataBytes, sequence, at, Number.NaN, index, 0);
  }

  /** Writes the header of the slot. */
  close(slot: FrameView, source: number, ordinal: number, series: number): void {
    this.writer.close(slot, source, ordinal, series, this.#block);
  }

  /** A record was written: whether the parcel should go. */
  commit(receivedUs: number): boolean {
    this.claimed = false;
    this.writer.stamp(receivedUs);
    if (this.writer.isFull || receivedUs - this.writer.firstUs >= this.#plan.waitUs) return true;
    if (!this.#armed) {
      this.#armed = true;
      this.#wait(this.#plan.waitUs);
    }
    return false;
  }

  #wait(leftUs: number): void {
    if (leftUs >= TIMER_FROM_US) setTimeout(() => this.#look(), Math.trunc(leftUs / 1000) - 1);
    else setImmediate(() => this.#look());
  }

  #look(): void {
    this.#armed = false;
    if (!this.slot || this.claimed) return; // the next commit looks
    const leftUs = this.writer.firstUs + this.#plan.waitUs - this.#nowUs();
    if (leftUs <= 0) {
      this.#onDue();
      return;
    }
    this.#armed = true;
    this.#wait(leftUs);
  }
}
