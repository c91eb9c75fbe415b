import type { LentSlot } from '../../ingress/ingress.js';
import type { SourceSlots } from './source-slots.js';
import type { WholeFrames } from './whole-frames.js';

/**
 * Slots whose data is still to arrive. To other threads they are slots that this thread has claimed: if it dies, the
 * census reclaims them, and no more data is written to them, since the thread's reads end with it. The pool has a few
 * of them beyond the needs of its edges, so that senders that stop in the middle of a body cannot block the source.
 */
export class LentSlots {
  readonly #limit: number;
  readonly #slots: SourceSlots;
  readonly #whole: WholeFrames;
  #lent = 0;
  /** Of which the data has not arrived. */
  #awaited = 0;

  constructor(limit: number, slots: SourceSlots, whole: WholeFrames) {
    this.#limit = limit;
    this.#slots = slots;
    this.#whole = whole;
  }

  /** As `FrameWriter.lend`. One that has arrived comes back soon; those that are awaited may never. */
  lend(lengthBytes: number): LentSlot | undefined | null {
    if (this.#lent >= this.#limit) return this.#awaited < this.#lent ? null : undefined;
    const frame = this.#slots.take();
    if (!frame) return null;
    this.#lent++;
    this.#awaited++;
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
        return this.#whole.commitLent(frame, header);
      },
      giveBack: () => {
        end();
        this.#slots.putBack(frame);
      },
    };
  }
}
