import { MillraceError } from '../errors/errors.js';
import { type Logger, RateLimiter } from '../errors/logger.js';
import { byteLength } from '../frame/dtype.js';
import type { FrameHeader } from '../frame/frame.js';
import { encodeMeta, type FrameView } from '../frame/frame-view.js';
import { META_BYTES } from '../frame/slot-layout.js';
import type { FrameWriter, OpenSlot, RefuseReason } from '../ingress/ingress.js';
import { OUTCOME } from '../observe/outcome.js';
import type { PoolPlan, SourceNode } from '../pipeline/plan-types.js';
import { sleepAsync } from '../ring/park.js';
import { EMPTY, GATE_CLOSED, LEDGER, LINE, SLOT_MASK, SOURCE } from '../ring/ring-layout.js';
import { SlotStock } from '../ring/slot-stock.js';
import { type Attachment, bitIn } from './attachment.js';
import { SequenceTracker } from './sequence-tracker.js';

/** Settled entries are counted after so many commits, and whenever the source is idle. */
const SWEEP_EVERY = 32;
const SWEEP_MS = 20;
const SWEEP_AT_MOST = 1024;

/** The writing end of a source: claims slots, commits frames, counts what was refused, sweeps the settlement table. */
export class IngressAgent implements FrameWriter {
  readonly maxBytes: number;
  readonly tracker = new SequenceTracker();
  readonly #attachment: Attachment;
  readonly #node: SourceNode;
  readonly #pool: PoolPlan;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #limiter = new RateLimiter();
  readonly #poolBit: number;
  readonly #branches: number;
  /** Edge index by output, and its bit of this thread. */
  readonly #edges: readonly number[];
  readonly #slot: ClaimedSlot;
  readonly #stock: SlotStock;
  readonly #timer: NodeJS.Timeout;
  #ordinal: number;
  #sinceSweep = 0;

  constructor(attachment: Attachment, node: SourceNode, log: Logger, signal: AbortSignal) {
    this.#attachment = attachment;
    this.#node = node;
    this.#pool = attachment.poolOf(node.name);
    this.#log = log;
    this.#signal = signal;
    this.maxBytes = node.maxFrameBytes;
    this.#poolBit = bitIn(this.#pool.threads, attachment.thread);
    this.#branches = node.routes.reduce((mask, route) => mask | (1 << route.branch), 0);
    this.#edges = node.routes.map((route) => attachment.plan.edges.findIndex((edge) => edge.node === route.node));
    this.#ordinal = attachment.plan.startOrdinal;
    this.#slot = new ClaimedSlot(this);
    this.#stock = new SlotStock(attachment.ring, attachment.arena.words, attachment.line, this.#pool.ring, this.#pool.slots);
    // What this thread hands on goes to the same edges by the same branches for ever: only the slot changes.
    for (const [i, edge] of this.#edges.entries())
      attachment.setWord(attachment.line + LINE.outputRefs + 8 * i + 4, attachment.plan.edges[edge]!.ring);
    this.#timer = setInterval(() => this.sweep(), SWEEP_MS);
  }

  claim(header: FrameHeader): OpenSlot | undefined {
    if (this.#slot.frame) throw new MillraceError('ERR_STATE', 'a slot is claimed already: commit or abort it first');
    const bytes = byteLength(header.dtype, header.shape);
    if (!(bytes <= this.maxBytes))
      throw new MillraceError(
        'ERR_MESSAGE_TOO_LARGE',
        `a frame of ${bytes} bytes (${header.dtype} [${header.shape}]) is over maxFrame, ${this.maxBytes}`,
      );
    const meta = header.meta ? encodeMeta(header.meta).length : 0;
    if (meta > META_BYTES - 8)
      throw new MillraceError('ERR_MESSAGE_TOO_LARGE', `the meta of a frame has ${meta} bytes, over the ${META_BYTES - 8} of a slot`);
    if (this.#tableIsFull()) {
      this.sweep();
      if (this.#tableIsFull()) return undefined;
    }
    const slot = this.#stock.peek();
    if (slot === EMPTY) return undefined;
    const frame = this.#attachment.frame(slot);
    frame.begin(header.dtype, header.shape);
    if (header.meta) frame.meta = header.meta;
    frame.sourceIndex = this.#node.index;
    frame.sequence = header.sequence ?? this.#ordinal >>> 0;
    frame.timestamp = header.timestamp ?? Number.NaN;
    this.#slot.frame = frame;
    this.#slot.numbered = header.sequence !== undefined;
    this.#slot.bytes = frame.bytes;
    this.#stock.take();
    return this.#slot;
  }

  ready(): Promise<void> {
    const { arena, park } = this.#attachment;
    if (this.#signal.aborted || this.#attachment.aborted) return Promise.resolve();
    if (this.#tableIsFull()) return sleepAsync(arena.words, this.#node.bell, 1, park, () => this.#tableIsFull());
    const freeRing = this.#pool.ring;
    return sleepAsync(arena.words, this.#pool.bell, this.#poolBit, park, () => this.#attachment.isEmpty(freeRing, this.#pool.cells));
  }

  write(header: FrameHeader, data: Uint8Array): Promise<boolean> | boolean {
    let slot: OpenSlot | undefined;
    try {
      slot = this.claim(header);
    } catch (error) {
      if (!(error instanceof MillraceError && error.code === 'ERR_MESSAGE_TOO_LARGE')) throw error;
      this.refuse('too-large', error.message);
      return true;
    }
    if (!slot) return this.#writeLater(header, data);
    slot.bytes.set(data);
    const pending = slot.commit();
    return pending ? pending.then(() => true) : true;
  }

  async #writeLater(header: FrameHeader, data: Uint8Array): Promise<boolean> {
    for (;;) {
      if (this.#signal.aborted || this.#attachment.aborted) return false;
      await this.ready();
      const slot = this.claim(header);
      if (!slot) continue;
      slot.bytes.set(data);
      await slot.commit();
      return true;
    }
  }

  refuse(reason: RefuseReason, detail: string): void {
    this.#attachment.throughGate(() => this.#attachment.ring.refuse(OUTCOME[reason]));
    const suppressed = this.#limiter.admit(reason);
    if (suppressed >= 0)
      this.#log.warn(
        { source: this.#node.name, reason, suppressed },
        `source '${this.#node.name}' refused a message (${reason}): ${detail}`,
      );
  }

  /** Commits the claimed frame; called by its slot. */
  commit(frame: FrameView, numbered: boolean): Promise<void> | undefined {
    const { ring, line, nowUs } = this.#attachment;
    frame.ordinal = this.#ordinal >>> 0;
    frame.receivedUs = nowUs();
    frame.store();
    if (numbered) this.tracker.add(frame.sequence);
    this.#attachment.throughGate(() => ring.fanClaimed(frame.slot, this.#branches));
    const { routes } = this.#node;
    for (let i = 0; i < routes.length; i++)
      this.#attachment.setWord(line + LINE.outputRefs + 8 * i, (frame.slot & SLOT_MASK) | (routes[i]!.branch << 24));
    const done = this.#attachment.throughGate(() =>
      ring.commitFrame(this.#node.index, this.#node.leaves, this.#edges.length, frame.bytes.length),
    );
    this.#ordinal = (this.#ordinal + 1) | 0;
    if (++this.#sinceSweep >= SWEEP_EVERY) this.sweep();
    return done < this.#edges.length ? this.#handOver(done) : undefined;
  }

  /** Keeps the slot for the next frame. */
  abort(frame: FrameView): void {
    this.#stock.putBack(frame.slot);
  }

  async #handOver(from: number): Promise<void> {
    const { ring, arena, park, plan } = this.#attachment;
    let done = from;
    while (done < this.#edges.length && !this.#attachment.aborted) {
      const edge = plan.edges[this.#edges[done]!]!;
      const before = done;
      await sleepAsync(arena.words, edge.spaceBell, bitIn(edge.producerThreads, this.#attachment.thread), park, () => {
        const result = ring.resume(done);
        if (result !== GATE_CLOSED) done = result;
        return done === before;
      });
    }
  }

  /** Counts what is settled. */
  sweep(): void {
    this.#sinceSweep = 0;
    while (this.#attachment.ring.sweep(this.#node.index, SWEEP_AT_MOST) === SWEEP_AT_MOST);
  }

  /** Resolves when every frame of the source is settled and counted, or the run is aborted. */
  async settled(): Promise<void> {
    const { arena, park } = this.#attachment;
    for (;;) {
      this.sweep();
      if (this.#attachment.aborted || this.#inFlight() === 0) return;
      await sleepAsync(arena.words, this.#node.bell, 1, park, () => true);
    }
  }

  /** Settled frames behind one that is not keep their entries: a dropping edge can fill the table while its slots are free. */
  #tableIsFull(): boolean {
    return this.#inFlight() >= this.#node.tableEntries;
  }

  #inFlight(): number {
    const record = this.#attachment.word(this.#attachment.line + LINE.record);
    const bank = this.#node.block + SOURCE.banks + ((record >>> 1) & 1) * SOURCE.bankBytes;
    return (this.#attachment.word(bank + 4 * LEDGER.given) - this.#attachment.word(bank + 4 * LEDGER.low)) | 0;
  }

  close(): void {
    clearInterval(this.#timer);
    this.sweep();
    for (const slot of this.#stock.empty()) this.#attachment.throughGate(() => this.#attachment.ring.release(slot));
  }
}

/** The one claim of a writer. */
class ClaimedSlot implements OpenSlot {
  frame: FrameView | undefined;
  numbered = false;
  bytes: Uint8Array = new Uint8Array(0);
  readonly #agent: IngressAgent;

  constructor(agent: IngressAgent) {
    this.#agent = agent;
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
