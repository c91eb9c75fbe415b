import type { FrameView } from '../../frame/frame-view.js';
import type { PoolPlan, SourceNode } from '../../plan/plan-types.js';
import { EMPTY } from '../../ring/ring-layout.js';
import { SlotStock } from '../../ring/slot-stock.js';
import { type Attachment, bitIn } from '../thread/attachment.js';
import type { SourceLedger } from './source-ledger.js';

/** The slots of a source: claimed a few at a time, given to frames, parcels and loans, taken back when they are not used. */
export class SourceSlots {
  readonly #attachment: Attachment;
  readonly #ledger: SourceLedger;
  readonly #pool: PoolPlan;
  readonly #stock: SlotStock;

  constructor(attachment: Attachment, node: SourceNode, ledger: SourceLedger) {
    this.#attachment = attachment;
    this.#ledger = ledger;
    this.#pool = attachment.poolOf(node.name);
    this.#stock = new SlotStock(attachment.ring, attachment.arena.words, attachment.line, this.#pool.ring, this.#pool.slots);
  }

  /** How many there are. */
  get count(): number {
    return this.#pool.slots;
  }

  take(): FrameView | undefined {
    const slot = this.#stock.take();
    return slot === EMPTY ? undefined : this.#attachment.frame(slot);
  }

  /** The same where the frame gets an ordinal: undefined too while the table of those that are in flight is full. */
  takeForFrame(): FrameView | undefined {
    if (this.#ledger.isFull) {
      this.#ledger.sweep();
      if (this.#ledger.isFull) return undefined;
    }
    return this.take();
  }

  putBack({ slot }: FrameView): void {
    this.#stock.putBack(slot);
  }

  /** Resolves when one may be free. */
  free(): Promise<void> {
    const { ring, cells, bell, threads } = this.#pool;
    return this.#attachment.sleep({
      bell,
      bit: bitIn(threads, this.#attachment.thread),
      look: () => !this.#attachment.isEmpty(ring, cells),
    });
  }

  close(): void {
    for (const slot of this.#stock.empty()) this.#attachment.gated.release(slot);
  }
}
