import { MillraceError } from '../../errors/errors.js';
import type { FrameView } from '../../frame/frame-view.js';
import type { OpenSlot } from '../../ingress/ingress.js';

/** Where a claim goes when it is over. */
export interface SlotTaker {
  commit(frame: FrameView, numbered: boolean): Promise<void> | undefined;
  abort(frame: FrameView): void;
}

/** The one claim of a writer. */
export class ClaimedSlot implements OpenSlot {
  frame: FrameView | undefined;
  numbered = false;
  readonly #agent: SlotTaker;
  readonly #buffer: SharedArrayBuffer;
  readonly #all: Uint8Array;
  #address = 0;
  #length = 0;
  #bytes: Uint8Array | undefined;

  constructor(agent: SlotTaker, buffer: SharedArrayBuffer) {
    this.#agent = agent;
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

  /** Copies without a view of its own. */
  set(data: Uint8Array): void {
    if (data.length > this.#length) throw new RangeError(`${data.length} bytes for a frame of ${this.#length}`);
    this.#all.set(data, this.#address);
  }

  commit(): Promise<void> | undefined {
    const frame = this.#take();
    return this.#agent.commit(frame, this.numbered);
  }

  abort(): void {
    this.#agent.abort(this.#take());
  }

  #take(): FrameView {
    const { frame } = this;
    if (!frame) throw new MillraceError('ERR_STATE', 'the slot was committed or aborted already');
    this.frame = undefined;
    return frame;
  }
}
