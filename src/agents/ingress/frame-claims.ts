import { MillraceError } from '../../errors/errors.js';
import type { Logger } from '../../errors/logger.js';
import type { FrameHeader } from '../../frame/frame.js';
import type { SourceNode } from '../../plan/plan-types.js';
import type { Attachment } from '../thread/attachment.js';
import { ClaimedSlot } from './claimed-slot.js';
import { FrameCommitter } from './frame-committer.js';
import { fittingBytes } from './frame-fits.js';
import type { OpenSeries } from './open-series.js';
import { ParcelFiller } from './parcel-filler.js';
import type { SourceLedger } from './source-ledger.js';
import { SourceSlots } from './source-slots.js';

/** What a source claims: a slot for a frame, or the place of a record in a parcel. One claim at a time. */
export class FrameClaims {
  readonly slots: SourceSlots;
  readonly committer: FrameCommitter;
  readonly parcel: ParcelFiller | undefined;
  readonly #attachment: Attachment;
  readonly #node: SourceNode;
  readonly #ledger: SourceLedger;
  readonly #series: OpenSeries;
  readonly #slot: ClaimedSlot;

  constructor(attachment: Attachment, node: SourceNode, ledger: SourceLedger, series: OpenSeries, log: Logger) {
    this.#attachment = attachment;
    this.#node = node;
    this.#ledger = ledger;
    this.#series = series;
    this.slots = new SourceSlots(attachment, node, ledger);
    this.committer = new FrameCommitter(attachment, node, ledger, series);
    this.parcel = node.parcel && new ParcelFiller(attachment, node, node.parcel, this.committer, this.slots, series, log);
    this.#slot = new ClaimedSlot(attachment.arena.buffer, this.slots, this.committer, this.parcel);
  }

  /** As `FrameWriter.claim`. */
  claim(header: FrameHeader): ClaimedSlot | undefined {
    const claimed = this.#slot;
    if (claimed.frame) throw new MillraceError('ERR_STATE', 'a slot is claimed already: commit or abort it first');
    const bytes = fittingBytes(header, this.#node.maxFrameBytes);
    if (this.#series.held || this.parcel?.handing) return undefined;
    claimed.numbered = header.sequence !== undefined;
    return this.parcel?.takes(header, bytes) ? this.#claimRecord(this.parcel, header, bytes) : this.#claimFrame(header, bytes);
  }

  #claimRecord(parcel: ParcelFiller, header: FrameHeader, bytes: number): ClaimedSlot | undefined {
    const address = parcel.claim(header, bytes);
    if (address < 0) return undefined;
    this.#slot.frame = parcel.slot;
    this.#slot.at(address, bytes);
    return this.#slot;
  }

  #claimFrame(header: FrameHeader, bytes: number): ClaimedSlot | undefined {
    this.parcel?.flush();
    const frame = this.parcel?.handing ? undefined : this.slots.takeForFrame();
    if (!frame) return undefined;
    try {
      this.committer.describe(frame, header);
    } catch (error) {
      this.slots.putBack(frame);
      throw error;
    }
    this.#slot.frame = frame;
    this.#slot.at(frame.address, bytes);
    return this.#slot;
  }

  /** Resolves when a claim may succeed. */
  ready(): Promise<void> {
    return this.obstacle() ?? this.slots.free();
  }

  /** What keeps a frame that has its slot from being committed. */
  obstacle(): Promise<void> | undefined {
    if (this.#series.held) return this.#series.held;
    if (this.parcel?.handing) return this.parcel.handing;
    if (!this.#ledger.isFull) return undefined;
    this.#ledger.sweep();
    return this.#ledger.isFull ? this.#ledger.room() : undefined;
  }

  /** A record of a parcel is claimed: neither committed nor taken back. */
  get hasRecord(): boolean {
    return this.parcel?.isClaimed ?? false;
  }

  /** Hands on what is committed and still in a parcel; a promise is returned when a blocking edge is full. */
  handOn(): Promise<void> | undefined {
    this.parcel?.flush();
    return this.parcel?.handing;
  }

  /** Commits the frame with which leaves what operators still hold. */
  async sendEnd(): Promise<void> {
    for (let frame = this.slots.take(); ; frame = this.slots.take()) {
      if (this.#attachment.aborted) return;
      if (frame) return this.committer.sendEnd(frame);
      if (this.slots.count === 1 && (this.#slot.frame || this.committer.hasLate))
        throw new MillraceError('ERR_STATE', `the only slot of source '${this.#node.name}' is claimed: its series cannot end now`);
      await this.slots.free();
    }
  }

  /** Takes back what is claimed: it was never received. */
  abort(): void {
    if (this.#slot.frame) this.#slot.abort();
  }

  close(): void {
    this.parcel?.close();
    this.slots.close();
  }
}
