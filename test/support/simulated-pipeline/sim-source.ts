import type { Attachment } from '../../../src/agents/thread/attachment.js';
import { OUTCOME } from '../../../src/observe/outcome.js';
import { LEDGER, LINE, SOURCE } from '../../../src/ring/ring-layout.js';
import { SlotStock } from '../../../src/ring/slot-stock.js';
import { fill, PAYLOAD_BYTES } from './payload.js';
import type { SimThread, SimWorld, Sleep, Wait } from './sim-thread.js';
import { UnfinishedRecord } from './unfinished-record.js';

/** The one step of a refusal. */
export const REFUSING = 75;

export class SimSource implements SimThread {
  asleep?: Sleep;
  readonly #rest: UnfinishedRecord;
  readonly #stock: SlotStock;

  constructor(
    readonly simulation: SimWorld,
    readonly attachment: Attachment,
  ) {
    const { ring, arena, line, plan } = attachment;
    const pool = plan.pools.find(({ owner }) => owner === 's')!;
    this.#rest = new UnfinishedRecord(attachment);
    this.#stock = new SlotStock(ring, arena.words, line, pool.ring, pool.slots);
  }

  /** A word of the live bank of the ledger. */
  ledger(word: number): number {
    const { line, plan } = this.attachment;
    const bank = plan.sources[0]!.block + SOURCE.banks + ((this.attachment.word(line + LINE.record) >>> 1) & 1) * SOURCE.bankBytes;
    return this.attachment.word(bank + 4 * word);
  }

  get sent(): number {
    return (this.ledger(LEDGER.given) - this.attachment.plan.startOrdinal) | 0;
  }

  inFlight(): number {
    return (this.ledger(LEDGER.given) - this.ledger(LEDGER.low)) | 0;
  }

  turn(): Wait | undefined {
    const { simulation, attachment } = this;
    const { ring, line, plan } = attachment;
    const [source] = plan.sources;
    const [pool] = plan.pools;
    if (this.#rest.isLeft) return this.#rest.resume();
    const stands = this.sent >= simulation.options.frames || this.inFlight() >= source!.tableEntries;
    if ((stands || simulation.random(3) === 0) && ring.sweep(0, 64) > 0) return undefined;
    if (!stands && (simulation.random(16) === 0 || attachment.word(line + LINE.faultStep) === REFUSING)) {
      ring.refuse(OUTCOME.malformed);
      return undefined;
    }
    if (stands) return { bell: source!.bell, members: [attachment.thread] };
    const slot = this.#stock.take();
    if (slot < 0) return { bell: pool!.bell, members: pool!.threads };
    const ordinal = this.ledger(LEDGER.given);
    const frame = attachment.frame(slot);
    frame.begin('uint8', [1, PAYLOAD_BYTES]);
    frame.sourceIndex = 0;
    frame.ordinal = ordinal >>> 0;
    frame.sequence = ordinal >>> 0;
    frame.store();
    fill(frame, ordinal, 0);
    ring.fanClaimed(
      slot,
      source!.routes.reduce((mask, { branch }) => mask | (1 << branch), 0),
    );
    for (const [i, { node, branch }] of source!.routes.entries()) {
      attachment.setWord(line + LINE.outputReferences + 8 * i, slot | (branch << 24));
      attachment.setWord(line + LINE.outputReferences + 8 * i + 4, attachment.edgeInto(node).ring);
    }
    const { records = 1 } = simulation.options;
    this.#rest.begin(ring.commitFrame(0, source!.leaves, source!.routes.length, PAYLOAD_BYTES, records), source!.routes.length);
    return undefined;
  }

  died(): void {}

  close(): void {
    for (const slot of this.#stock.empty()) this.attachment.ring.release(slot);
  }
}
