import { lateCounts } from '../../observe/late-losses.js';
import { PartialsLost } from '../../plan/partials-lost.js';
import type { SourceNode } from '../../plan/plan-types.js';
import { LEDGER, LINE, SOURCE } from '../../ring/ring-layout.js';
import type { Attachment } from '../thread/attachment.js';
import type { LedgerReading } from './series-keeper.js';

/** Settled entries are counted after this many commits, and whenever the source is idle. */
const SWEEP_EVERY = 32;
const SWEEP_AT_MOST = 1024;

/** What the thread of a source reads of its ledger, and the sweep by which it counts there what is settled. */
export class SourceLedger {
  readonly #attachment: Attachment;
  readonly #node: SourceNode;
  readonly #partialsLost: PartialsLost;
  /** Words of the sinks by which its ledger counts. */
  readonly #late: readonly number[];
  #sinceSweep = 0;

  constructor(attachment: Attachment, node: SourceNode) {
    this.#attachment = attachment;
    this.#node = node;
    this.#late = attachment.plan.sinks.filter(({ name }) => node.counted.includes(name)).map(({ late }) => late);
    this.#partialsLost = new PartialsLost(attachment.arena.words, attachment.plan);
  }

  /** A copy of the counts, by the words of LEDGER. */
  words(): Int32Array {
    const bank = this.#bank() >>> 2;
    return this.#attachment.arena.words.slice(bank, bank + LEDGER.words);
  }

  /** What has ended until now: complete when nothing is in flight. */
  read(): LedgerReading {
    const { lost, undelivered } = lateCounts(this.#attachment.arena.words, this.#late, this.#node.index);
    return { words: this.words(), partialsLost: this.#partialsLost.of(this.#node.index), lost, undelivered };
  }

  /** Ordinals given since the run began. */
  get given(): number {
    return (this.#attachment.word(this.#bank() + 4 * LEDGER.given) - this.#attachment.plan.startOrdinal) | 0;
  }

  /** Ordinals that are given and not yet swept. */
  get inFlight(): number {
    const bank = this.#bank();
    return (this.#attachment.word(bank + 4 * LEDGER.given) - this.#attachment.word(bank + 4 * LEDGER.low)) | 0;
  }

  /** Settled frames behind one that is not keep their entries: a dropping edge can fill the table while its slots are free. */
  get isFull(): boolean {
    return this.inFlight >= this.#node.tableEntries;
  }

  /** Counts what is settled. */
  sweep(): void {
    this.#sinceSweep = 0;
    while (this.#attachment.ring.sweep(this.#node.index, SWEEP_AT_MOST) === SWEEP_AT_MOST);
  }

  /** Called after each commit. */
  sweepNowAndThen(): void {
    if (++this.#sinceSweep >= SWEEP_EVERY) this.sweep();
  }

  /** Resolves when there may be room for one more. */
  room(): Promise<void> {
    return this.#attachment.sleep({ bell: this.#node.bell, bit: 1, look: () => !this.isFull });
  }

  /** Resolves true when everything is settled and counted, false when the run was given up. */
  async atRest(): Promise<boolean> {
    const wait = { bell: this.#node.bell, bit: 1, look: () => false };
    for (;;) {
      this.sweep();
      if (this.inFlight === 0) return true;
      if (this.#attachment.aborted) return false;
      await this.#attachment.sleep(wait);
    }
  }

  #bank(): number {
    const record = this.#attachment.word(this.#attachment.line + LINE.record);
    return this.#node.block + SOURCE.banks + ((record >>> 1) & 1) * SOURCE.bankBytes;
  }
}
