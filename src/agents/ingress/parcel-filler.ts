import type { Logger } from '../../errors/logger.js';
import type { FrameHeader } from '../../frame/frame.js';
import type { FrameView } from '../../frame/frame-view.js';
import { ParcelWriter } from '../../frame/parcel-writer.js';
import type { ParcelPlan, SourceNode } from '../../plan/plan-types.js';
import type { Attachment } from '../thread/attachment.js';
import type { FrameCommitter } from './frame-committer.js';
import { OpenParcel } from './open-parcel.js';
import type { OpenSeries } from './open-series.js';
import type { SourceSlots } from './source-slots.js';

/** Fills parcels with records and hands them on: when one is full, has waited long enough, or must go before something else. */
export class ParcelFiller {
  readonly #attachment: Attachment;
  readonly #node: SourceNode;
  readonly #committer: FrameCommitter;
  readonly #slots: SourceSlots;
  readonly #series: OpenSeries;
  readonly #log: Logger;
  readonly #parcel: OpenParcel;
  #handing: Promise<void> | undefined;
  #sequence = 0;
  #timestamp = Number.NaN;

  constructor(
    attachment: Attachment,
    node: SourceNode,
    parcel: ParcelPlan,
    committer: FrameCommitter,
    slots: SourceSlots,
    series: OpenSeries,
    log: Logger,
  ) {
    this.#attachment = attachment;
    this.#node = node;
    this.#committer = committer;
    this.#slots = slots;
    this.#series = series;
    this.#log = log;
    this.#parcel = new OpenParcel(new ParcelWriter(attachment.arena), parcel, attachment.nowUs, () => this.flush());
  }

  /** While a blocking edge takes no parcel nothing is claimed. */
  get handing(): Promise<void> | undefined {
    return this.#handing;
  }

  /** A record is claimed: neither committed nor taken back. */
  get isClaimed(): boolean {
    return this.#parcel.claimed;
  }

  takes(header: FrameHeader, bytes: number): boolean {
    return this.#parcel.takes(header, bytes);
  }

  takesBytes(bytes: number): boolean {
    return this.#parcel.takesBytes(bytes);
  }

  /** The slot of the open parcel. */
  get slot(): FrameView | undefined {
    return this.#parcel.slot;
  }

  /** Address of the data of one more record, in the open parcel or a new one; -1: there is no slot for that now. */
  claim(header: FrameHeader, bytes: number): number {
    const parcel = this.#parcel;
    const { number } = this.#committer;
    const sequence = header.sequence ?? number >>> 0;
    let address = parcel.slot ? parcel.append(header, bytes, sequence, number) : -1;
    if (address < 0) {
      this.flush();
      const slot = this.#handing ? undefined : this.#slots.takeForFrame();
      if (!slot) return -1;
      parcel.open(slot, header, number);
      address = parcel.append(header, bytes, sequence, number);
    }
    parcel.claimed = true;
    this.#sequence = sequence;
    this.#timestamp = header.timestamp ?? Number.NaN;
    return address;
  }

  /** Commits the claimed record. A promise is returned when the parcel went and a blocking edge is full. */
  commit(numbered: boolean): Promise<void> | undefined {
    this.#committer.count(this.#sequence, this.#timestamp, numbered);
    if (this.#parcel.commit(this.#attachment.nowUs())) this.flush();
    return this.#handing;
  }

  /** Takes the claimed record back. */
  abort(): void {
    const parcel = this.#parcel;
    parcel.claimed = false;
    parcel.writer.undo();
    if (parcel.writer.count === 0) this.close();
  }

  /** Hands the open parcel on. */
  flush(): void {
    const { slot, writer, claimed } = this.#parcel;
    if (!slot || claimed) return;
    this.#parcel.slot = undefined;
    this.#parcel.close(slot, this.#node.index, this.#committer.ordinal, this.#series.index);
    slot.load(this.#attachment.sourceNames); // an edge is chosen for it
    const pending = this.#committer.publish(slot, writer.dataBytes, writer.count);
    if (!pending) return;
    const handing = pending.finally(() => {
      this.#handing = undefined;
    });
    handing.catch((error: unknown) =>
      this.#log.error({ source: this.#node.name }, `source '${this.#node.name}': a parcel was not handed on: ${error}`),
    );
    this.#handing = handing;
  }

  /** Gives the open parcel up: its records were never received. */
  close(): void {
    const { slot } = this.#parcel;
    this.#parcel.slot = undefined;
    if (slot) this.#slots.putBack(slot);
  }
}
