import { MillraceError } from '../../errors/errors.js';
import type { FrameView } from '../../frame/frame-view.js';
import type { OpenSlot } from '../../ingress/ingress.js';
import type { FrameCommitter } from './frame-committer.js';
import type { ParcelFiller } from './parcel-filler.js';
import type { SourceSlots } from './source-slots.js';

/** The one claim of a writer: the slot of a frame, or the place of a record in a parcel. */
export class ClaimedSlot implements OpenSlot {
  frame: FrameView | undefined;
  numbered = false;
  readonly #slots: SourceSlots;
  readonly #committer: FrameCommitter;
  readonly #parcel: ParcelFiller | undefined;
  readonly #buffer: SharedArrayBuffer;
  readonly #all: Uint8Array;
  #address = 0;
  #length = 0;
  #bytes: Uint8Array | undefined;

  constructor(buffer: SharedArrayBuffer, slots: SourceSlots, committer: FrameCommitter, parcel: ParcelFiller | undefined) {
    this.#slots = slots;
    this.#committer = committer;
    this.#parcel = parcel;
    this.#buffer = buffer;
    this.#all = new Uint8Array(buffer);
  }

  at(address: number, length: number): void {
    if (address !== this.#address || length !== this.#length) this.#bytes = undefined;
    this.#address = address;
    this.#length = length;
  }

  get bytes(): Uint8Array {
    this.#bytes ??= new Uint8Array(this.#buffer, this.#address, this.#length);
    return this.#bytes;
  }

  /** Copies without creating a view. */
  set(data: Uint8Array): void {
    if (data.length > this.#length) throw new RangeError(`${data.length} bytes for a frame of ${this.#length}`);
    this.#all.set(data, this.#address);
  }

  commit(): Promise<void> | undefined {
    const frame = this.#take();
    return this.#parcel?.isClaimed ? this.#parcel.commit(this.numbered) : this.#committer.commit(frame, this.numbered);
  }

  /** Keeps the slot for the next frame. */
  abort(): void {
    const frame = this.#take();
    if (this.#parcel?.isClaimed) this.#parcel.abort();
    else this.#slots.putBack(frame);
  }

  #take(): FrameView {
    const { frame } = this;
    if (!frame) throw new MillraceError('ERR_STATE', 'the slot was committed or aborted already');
    this.frame = undefined;
    return frame;
  }
}
