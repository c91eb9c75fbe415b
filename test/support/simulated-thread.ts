import type { Attachment } from '../../src/agents/thread/attachment.js';
import { RecordWriter, readChain } from '../../src/agents/thread/commit-outputs.js';
import { edgeFor } from '../../src/agents/thread/route-by-key.js';
import type { FrameView } from '../../src/frame/frame-view.js';
import { OUTCOME } from '../../src/observe/outcome.js';
import type { EdgePlan, SourceNode } from '../../src/plan/plan-types.js';
import { LEDGER, LINE, SOURCE } from '../../src/ring/ring-layout.js';
import { SlotStock } from '../../src/ring/slot-stock.js';

export interface Sleep {
  readonly seen: number;
  readonly sleepers: number;
  readonly bit: number;
}

/** What a thread would sleep on: a bell, and the threads that may. `poll`: it looks again when anybody has moved. */
export type Wait = { readonly bell: number; readonly members: readonly number[]; readonly why: string } | 'poll';

/** A thread as a sequence of turns over the real ring operations. */
export interface SimulatedThread {
  readonly attachment: Attachment;
  readonly name: string;
  /** One operation; what the thread waits for when there was nothing to do. */
  turn(): Wait | undefined;
  /** Lowest ordinal that is being processed here, if any. */
  held(): number | undefined;
  /** While set, the lowest frame here is not done with. */
  holdsBack: boolean;
  close(): void;
}

/** What a commit left to hand over. */
export class Rest {
  readonly #attachment: Attachment;
  #done = 0;
  #outputs = 0;

  constructor(attachment: Attachment) {
    this.#attachment = attachment;
  }

  begin(done: number, outputs: number): void {
    this.#done = done;
    this.#outputs = outputs;
  }

  get isLeft(): boolean {
    return this.#done < this.#outputs;
  }

  resume(): Wait | undefined {
    const { plan, ring, line } = this.#attachment;
    const before = this.#done;
    this.#done = ring.resume(before);
    if (this.#done > before || !this.isLeft) return undefined;
    const to = this.#attachment.word(line + LINE.outputReferences + 8 * this.#done + 4);
    const edge = plan.edges.find((one) => one.ring === to)!;
    return { bell: edge.spaceBell, members: edge.producerThreads, why: `room before ${edge.node}` };
  }
}

/** A frame carries its source and ordinal in its payload too: who reads a slot that is another frame by now sees it. */
export function mark(frame: FrameView): void {
  new Int32Array(frame.bytes.buffer, frame.bytes.byteOffset, 1)[0] = Math.imul(frame.ordinal, 8) + frame.sourceIndex;
}

export function checkMark(frame: FrameView): void {
  const found = new Int32Array(frame.bytes.buffer, frame.bytes.byteOffset, 1)[0];
  if (found !== ((Math.imul(frame.ordinal, 8) + frame.sourceIndex) | 0))
    throw new Error(`slot ${frame.slot} is frame ${frame.ordinal} of source ${frame.sourceIndex}, and holds ${found}`);
}

export class SimulatedSource implements SimulatedThread {
  holdsBack = false;
  readonly name: string;
  readonly #rest: Rest;
  readonly #stock: SlotStock;

  constructor(
    readonly attachment: Attachment,
    readonly source: SourceNode,
    readonly frames: number,
  ) {
    const { ring, arena, line } = attachment;
    const pool = attachment.poolOf(source.name);
    this.name = source.name;
    this.#rest = new Rest(attachment);
    this.#stock = new SlotStock(ring, arena.words, line, pool.ring, pool.slots);
  }

  held(): undefined {}

  /** A word of the live bank of the ledger. */
  ledger(word: number): number {
    const { line } = this.attachment;
    const bank = this.source.block + SOURCE.banks + ((this.attachment.word(line + LINE.record) >>> 1) & 1) * SOURCE.bankBytes;
    return this.attachment.word(bank + 4 * word);
  }

  get sent(): number {
    return (this.ledger(LEDGER.given) - this.attachment.plan.startOrdinal) | 0;
  }

  get inFlight(): number {
    return (this.ledger(LEDGER.given) - this.ledger(LEDGER.low)) | 0;
  }

  turn(): Wait | undefined {
    const { attachment, source } = this;
    const { ring, line } = attachment;
    if (this.#rest.isLeft) return this.#rest.resume();
    const isOver = this.sent >= this.frames;
    const isFull = this.inFlight >= source.tableEntries;
    if ((isOver || isFull) && ring.sweep(source.index, 64) > 0) return undefined;
    if (isOver || isFull)
      return { bell: source.bell, members: [attachment.thread], why: isOver ? 'its frames to be settled' : 'its table' };
    const slot = this.#stock.take();
    if (slot < 0) {
      const pool = attachment.poolOf(source.name);
      return { bell: pool.bell, members: pool.threads, why: 'a slot' };
    }
    const ordinal = this.ledger(LEDGER.given);
    const frame = attachment.frame(slot);
    frame.begin('uint8', [1, 16]);
    frame.sourceIndex = source.index;
    frame.ordinal = ordinal >>> 0;
    frame.sequence = ordinal >>> 0;
    // A few parcels of one block, or of one key, behind one another.
    frame.block = source.parcel ? (ordinal >>> 2) & 0xffff : 0;
    frame.meta = { key: (ordinal >>> 1) % 5 };
    mark(frame);
    frame.store();
    ring.fanClaimed(
      slot,
      source.routes.reduce((mask, { branch }) => mask | (1 << branch), 0),
    );
    for (const [i, route] of source.routes.entries()) {
      attachment.setWord(line + LINE.outputReferences + 8 * i, slot | (route.branch << 24));
      attachment.setWord(line + LINE.outputReferences + 8 * i + 4, attachment.plan.edges[edgeFor(route, frame)]!.ring);
    }
    this.#rest.begin(ring.commitFrame(source.index, source.leaves, source.routes.length, 16, 1), source.routes.length);
    return undefined;
  }

  close(): void {
    for (const slot of this.#stock.empty()) this.attachment.ring.release(slot);
  }
}

/** Takes a batch in one turn, settles it in another. */
export class SimulatedSink implements SimulatedThread {
  holdsBack = false;
  /** Ordinals taken, by source. */
  readonly taken: number[][];
  readonly #edge: EdgePlan;
  readonly #batch: number;
  readonly #record: RecordWriter;
  readonly #chain: FrameView[] = [];
  #count = 0;
  #from = 0;

  constructor(
    readonly attachment: Attachment,
    readonly name: string,
  ) {
    this.#edge = attachment.edgeInto(name);
    this.#batch = attachment.sinkNode(name).batch;
    this.#record = new RecordWriter(attachment);
    this.taken = attachment.plan.sources.map(() => []);
  }

  held(): number | undefined {
    if (this.#count === 0) return undefined;
    return this.attachment.frame(this.attachment.word(this.attachment.line + LINE.batch)).ordinal;
  }

  turn(): Wait | undefined {
    const { attachment } = this;
    if (this.#count === 0) {
      this.#from = (this.#from + 1) % attachment.plan.sources.length;
      this.#count = Math.max(0, attachment.ring.takeN(this.#edge.ring, this.#from, this.#batch));
      return this.#count > 0 ? undefined : { bell: this.#edge.itemBell, members: this.#edge.consumerThreads, why: 'a frame' };
    }
    const record = this.#record;
    record.start();
    for (let i = 0; i < this.#count; i++) {
      const reference = attachment.word(attachment.line + LINE.batch + 4 * i);
      const frames = readChain(attachment, reference, this.#chain);
      for (const frame of frames) checkMark(frame);
      const { ordinal, sourceIndex } = frames[0]!;
      this.taken[sourceIndex]!.push(ordinal);
      record.settle(sourceIndex, ordinal, this.#edge.leaves[sourceIndex]![reference >>> 24]!, OUTCOME.delivered);
      record.input(reference);
    }
    record.commit(this.#count, 0);
    this.#count = 0;
    return undefined;
  }

  close(): void {}
}
