import type { FrameHeader } from '../../frame/frame.js';
import type { FrameView } from '../../frame/frame-view.js';
import type { LentSlot } from '../../ingress/ingress.js';
import { EMPTY } from '../../ring/ring-layout.js';
import type { SlotStock } from '../../ring/slot-stock.js';

export interface LentSlotsOwner {
  frame(slot: number): FrameView;
  commit(frame: FrameView, header: FrameHeader): Promise<boolean> | boolean;
}

/**
 * Slots whose data is still to arrive. To everybody else they are slots that the thread has claimed: if it dies, the census
 * takes them back, and nobody writes to them any more, since the thread's reads end with it. They are a few, which the pool
 * has beyond what its edges need, so that senders that stop half way through a body cannot keep the source from going on.
 */
export class LentSlots {
  readonly #limit: number;
  readonly #stock: SlotStock;
  readonly #owner: LentSlotsOwner;
  #lent = 0;
  /** Of which the data has not arrived. */
  #awaited = 0;

  constructor(limit: number, stock: SlotStock, owner: LentSlotsOwner) {
    this.#limit = limit;
    this.#stock = stock;
    this.#owner = owner;
  }

  /** As `FrameWriter.lend`. One that has arrived comes back soon; those that are awaited may never. */
  lend(lengthBytes: number): LentSlot | undefined | null {
    if (this.#lent >= this.#limit) return this.#awaited < this.#lent ? null : undefined;
    const slot = this.#stock.take();
    if (slot === EMPTY) return null;
    this.#lent++;
    this.#awaited++;
    const frame = this.#owner.frame(slot);
    let isAwaited = true;
    const arrived = (): void => {
      if (isAwaited) this.#awaited--;
      isAwaited = false;
    };
    const end = (): void => {
      arrived();
      this.#lent--;
    };
    return {
      bytes: Buffer.from(frame.arena.buffer, frame.address, lengthBytes),
      arrived,
      commit: (header) => {
        end();
        return this.#owner.commit(frame, header);
      },
      giveBack: () => {
        end();
        this.#stock.putBack(slot);
      },
    };
  }
}
