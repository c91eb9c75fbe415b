import { MillraceError } from '../../errors/errors.js';
import { type Logger, RateLimiter } from '../../errors/logger.js';
import type { FrameHeader } from '../../frame/frame.js';
import type { FrameView } from '../../frame/frame-view.js';
import { blockOf } from '../../frame/parcel-layout.js';
import { ParcelWriter } from '../../frame/parcel-writer.js';
import type { SeriesMessage } from '../../frame/series.js';
import type { FrameWriter, LentSlot, RefuseReason } from '../../ingress/ingress.js';
import { OUTCOME } from '../../observe/outcome.js';
import type { SeriesReport } from '../../observe/report.js';
import type { PoolPlan, SourceNode } from '../../plan/plan-types.js';
import { sleepAsync } from '../../ring/park.js';
import { EMPTY, LEDGER } from '../../ring/ring-layout.js';
import { SlotStock } from '../../ring/slot-stock.js';
import { type Attachment, bitIn } from '../thread/attachment.js';
import { ClaimedSlot } from './claimed-slot.js';
import { checkMeta, fittingBytes } from './frame-fits.js';
import { LentSlots } from './lent-slots.js';
import { OpenParcel } from './open-parcel.js';
import { SequenceTracker } from './sequence-tracker.js';
import { SourceLedger } from './source-ledger.js';
import { SourceOutputs } from './source-outputs.js';
import { type SeriesWriter, SourceSeries } from './source-series.js';
import { type FrameTaker, otherSeries, WholeFrames } from './whole-frames.js';

/** While the source is idle, what is settled is counted so often. */
const LOOK_MS = 20;

/** The writing end of a source: claims slots, commits frames, counts what was refused. */
export class IngressAgent implements FrameWriter, FrameTaker {
  readonly maxBytes: number;
  /** Messages that a thread before this one had received. */
  readonly resumeAt: number;
  readonly tracker = new SequenceTracker();
  readonly #attachment: Attachment;
  readonly #node: SourceNode;
  readonly #pool: PoolPlan;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #limiter = new RateLimiter();
  readonly #poolBit: number;
  readonly #slot: ClaimedSlot;
  readonly #stock: SlotStock;
  readonly #lent: LentSlots;
  readonly #whole: WholeFrames = new WholeFrames(this);
  readonly #timer: NodeJS.Timeout;
  readonly #ledger: SourceLedger;
  readonly #outputs: SourceOutputs;
  readonly #series: SourceSeries;
  /** Waits to be committed. */
  #late: FrameView | undefined;
  readonly #parcel: OpenParcel | undefined;
  /** While a blocking edge takes no parcel nothing is claimed. */
  #handing: Promise<void> | undefined;
  /** Number of the next message, where its sender gives none. */
  #number: number;
  #lastSequence = 0;
  #lastTimestamp = Number.NaN;
  #ordinal: number;

  /** `onSeries` hears of every series that has closed. `timeoutMs`: a series of which nothing comes for so long ends. */
  constructor(
    attachment: Attachment,
    node: SourceNode,
    log: Logger,
    signal: AbortSignal,
    onSeries: (report: SeriesReport) => void = () => {},
    timeoutMs?: number,
  ) {
    this.#attachment = attachment;
    this.#node = node;
    this.#pool = attachment.poolOf(node.name);
    this.#log = log;
    this.#signal = signal;
    this.maxBytes = node.maxFrameBytes;
    this.#poolBit = bitIn(this.#pool.threads, attachment.thread);
    this.#ledger = new SourceLedger(attachment, node);
    this.#outputs = new SourceOutputs(attachment, node);
    const ledger = this.#ledger.words();
    this.#ordinal = ledger[LEDGER.given]!;
    this.resumeAt = ledger[LEDGER.received]! >>> 0;
    this.#number = (attachment.plan.startOrdinal + (node.parcel ? ledger[LEDGER.records]! : 0)) | 0;
    this.#slot = new ClaimedSlot(this, attachment.arena.buffer);
    this.#parcel = node.parcel && new OpenParcel(new ParcelWriter(attachment.arena), node.parcel, attachment.nowUs, () => this.#flush());
    this.#stock = new SlotStock(attachment.ring, attachment.arena.words, attachment.line, this.#pool.ring, this.#pool.slots);
    this.#lent = new LentSlots(node.lends, this.#stock, {
      frame: (slot) => attachment.frame(slot),
      commit: (frame, header) => this.#commitLent(frame, header),
    });
    this.#series = new SourceSeries(attachment, node, this.#ledger, this.#seriesWriter(), log, { signal, onSeries, timeoutMs });
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  /** Before anything else, in a thread that takes another's place: hands over what that had committed and an ordered edge did not admit yet. */
  begin(): Promise<void> {
    return this.#outputs.begin();
  }

  claim(header: FrameHeader): ClaimedSlot | undefined {
    if (this.#slot.frame) throw new MillraceError('ERR_STATE', 'a slot is claimed already: commit or abort it first');
    const bytes = fittingBytes(header, this.maxBytes);
    if (this.#parcel?.takes(header, bytes)) return this.#claimRecord(this.#parcel, header, bytes);
    if (this.#parcel?.slot) this.#flush();
    const slot = this.#claimSlot();
    if (slot === EMPTY) return undefined;
    const frame = this.#attachment.frame(slot);
    this.#begin(frame, header);
    this.#slot.frame = frame;
    this.#slot.numbered = header.sequence !== undefined;
    this.#slot.at(frame.address, bytes);
    this.#stock.take();
    return this.#slot;
  }

  fits(header: FrameHeader): void {
    fittingBytes(header, this.maxBytes);
  }

  #begin(frame: FrameView, header: FrameHeader): void {
    frame.begin(header.dtype, header.shape);
    if (header.meta) frame.meta = header.meta;
    frame.sourceIndex = this.#node.index;
    frame.sequence = header.sequence ?? (this.#parcel ? this.#number : this.#ordinal) >>> 0;
    frame.timestamp = header.timestamp ?? Number.NaN;
  }

  /** The slot that the stock gives next, or EMPTY: there is none now, or nothing may be claimed. */
  #claimSlot(): number {
    if (this.#series.held || this.#handing) return EMPTY;
    if (this.#ledger.isFull) {
      this.#ledger.sweep();
      if (this.#ledger.isFull) return EMPTY;
    }
    return this.#stock.peek();
  }

  #claimRecord(parcel: OpenParcel, header: FrameHeader, bytes: number): ClaimedSlot | undefined {
    if (this.#series.held || this.#handing) return undefined;
    const sequence = header.sequence ?? this.#number >>> 0;
    let address = parcel.slot ? parcel.append(header, bytes, sequence, this.#number) : -1;
    if (address < 0) {
      if (parcel.slot) this.#flush();
      const slot = this.#claimSlot();
      if (slot === EMPTY) return undefined;
      this.#stock.take();
      parcel.open(this.#attachment.frame(slot), header, this.#number);
      address = parcel.append(header, bytes, sequence, this.#number);
    }
    parcel.claimed = true;
    this.#slot.frame = parcel.slot;
    this.#slot.numbered = header.sequence !== undefined;
    this.#slot.at(address, bytes);
    this.#lastSequence = sequence;
    this.#lastTimestamp = header.timestamp ?? Number.NaN;
    return this.#slot;
  }

  /** Hands the open parcel on. */
  #flush(): void {
    const parcel = this.#parcel;
    if (!parcel?.slot || parcel.claimed) return;
    const { slot, writer } = parcel;
    parcel.slot = undefined;
    parcel.close(slot, this.#node.index, this.#ordinal, this.#series.index);
    slot.load(this.#attachment.sourceNames); // an edge is chosen for it
    const pending = this.#publish(slot, writer.dataBytes, writer.count);
    if (!pending) return;
    const handing = pending.finally(() => {
      this.#handing = undefined;
    });
    handing.catch((error: unknown) =>
      this.#log.error({ source: this.#node.name }, `source '${this.#node.name}': a parcel was not handed on: ${error}`),
    );
    this.#handing = handing;
  }

  ready(): Promise<void> {
    if (this.isGivenUp) return Promise.resolve();
    return this.#obstacle() ?? this.#freeSlot();
  }

  /** What keeps a frame that has its slot from being committed. */
  #obstacle(): Promise<void> | undefined {
    const { arena, park } = this.#attachment;
    if (this.#series.held) return this.#series.held;
    if (this.#handing) return this.#handing;
    if (!this.#ledger.isFull) return undefined;
    this.#ledger.sweep();
    return this.#ledger.isFull ? sleepAsync(arena.words, this.#node.bell, 1, park, () => this.#ledger.isFull) : undefined;
  }

  #freeSlot(): Promise<void> {
    const { arena, park } = this.#attachment;
    const freeRing = this.#pool.ring;
    return sleepAsync(arena.words, this.#pool.bell, this.#poolBit, park, () => this.#attachment.isEmpty(freeRing, this.#pool.cells));
  }

  write(header: FrameHeader, data: Uint8Array): Promise<boolean> | boolean {
    return this.#whole.write(header, data);
  }

  get seriesId(): string | number | undefined {
    return this.#series.id;
  }

  get isGivenUp(): boolean {
    return this.#signal.aborted || this.#attachment.aborted;
  }

  lend(lengthBytes: number): LentSlot | undefined | null {
    if (lengthBytes > this.maxBytes || this.#parcel?.takesBytes(lengthBytes)) return undefined;
    return this.#lent.lend(lengthBytes);
  }

  #commitLent(frame: FrameView, header: FrameHeader): Promise<boolean> | boolean {
    try {
      checkMeta(header);
    } catch (error) {
      this.#stock.putBack(frame.slot);
      this.refuse('too-large', (error as MillraceError).message);
      return true;
    }
    if (this.#parcel?.slot) this.#flush();
    if (otherSeries(header, this.#series.id) !== undefined || this.#obstacle()) return this.#commitLentLater(frame, header);
    this.#begin(frame, header);
    const pending = this.commit(frame, header.sequence !== undefined);
    return pending ? pending.then(() => true) : true;
  }

  async #commitLentLater(frame: FrameView, header: FrameHeader): Promise<boolean> {
    for (;;) {
      const obstacle = this.#obstacle();
      if (obstacle) await obstacle;
      const series = otherSeries(header, this.#series.id);
      if (this.isGivenUp || (series !== undefined && !(await this.startSeries({ kind: 'series-start', series })))) {
        this.#stock.putBack(frame.slot);
        return false;
      }
      if (series !== undefined || this.#obstacle()) continue;
      this.#begin(frame, header);
      await this.commit(frame, header.sequence !== undefined);
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
    if (this.#parcel?.claimed) return this.#commitRecord(this.#parcel, numbered);
    if (this.#series.held) return this.#commitAfter(frame, numbered);
    frame.block = blockOf(this.#number);
    this.#number = (this.#number + 1) | 0;
    this.#describe(frame);
    if (numbered) this.tracker.add(frame.sequence);
    this.#series.add(numbered ? frame.sequence : undefined);
    this.#lastSequence = frame.sequence;
    this.#lastTimestamp = frame.timestamp;
    return this.#publish(frame, frame.lengthBytes, 1);
  }

  /** A frame whose slot was claimed before its series was ended (from outside, by time): it belongs to what comes next. */
  async #commitAfter(frame: FrameView, numbered: boolean): Promise<void> {
    this.#late = frame;
    while (this.#series.held) await this.#series.held;
    this.#late = undefined;
    await this.commit(frame, numbered);
  }

  #commitRecord(parcel: OpenParcel, numbered: boolean): Promise<void> | undefined {
    this.#number = (this.#number + 1) | 0;
    if (numbered) this.tracker.add(this.#lastSequence);
    this.#series.add(numbered ? this.#lastSequence : undefined);
    if (parcel.commit(this.#attachment.nowUs())) this.#flush();
    return this.#handing;
  }

  #publish(frame: FrameView, bytes: number, count: number): Promise<void> | undefined {
    const pending = this.#outputs.publish(frame, bytes, count);
    this.#ordinal = (this.#ordinal + 1) | 0;
    this.#ledger.sweepNowAndThen();
    return pending;
  }

  /** Keeps the slot for the next frame. */
  abort(frame: FrameView): void {
    const parcel = this.#parcel;
    if (parcel?.claimed) {
      parcel.claimed = false;
      parcel.writer.undo();
      if (parcel.writer.count > 0) return;
      parcel.slot = undefined;
    }
    this.#stock.putBack(frame.slot);
  }

  startSeries(start: SeriesMessage): Promise<boolean> {
    return this.#series.start(start);
  }

  endSeries(end: SeriesMessage): Promise<boolean> {
    return this.#series.end(end);
  }

  /** Begins a series from outside; as `SourceSeries.commandStart`. */
  commandStart(start: SeriesMessage): Promise<SeriesReport | undefined> {
    return this.#series.commandStart(start);
  }

  /** Ends the open series from outside; as `SourceSeries.commandEnd`. */
  commandEnd(id: string | number | undefined): Promise<SeriesReport> {
    return this.#series.commandEnd(id);
  }

  /** After the last frame: ends the open series, or lets operators hand on what they hold of a source without any. */
  async finish(): Promise<void> {
    if (this.#slot.frame) this.#slot.abort(); // what the source did not commit was never received
    await this.#series.finish();
  }

  #seriesWriter(): SeriesWriter {
    const parcel = this.#parcel;
    return {
      get hasClaimedRecord() {
        return parcel?.claimed ?? false;
      },
      handOn: () => {
        this.#flush();
        return this.#handing;
      },
      sendEnd: () => this.#sendEnd(),
    };
  }

  /** An empty frame with an ordinal of its own, which counts as none: what operators still hold leaves with it. */
  async #sendEnd(): Promise<void> {
    for (let slot = this.#stock.take(); ; slot = this.#stock.take()) {
      if (this.#attachment.aborted) return;
      if (slot === EMPTY) {
        if (this.#pool.slots === 1 && (this.#slot.frame ?? this.#late))
          throw new MillraceError('ERR_STATE', `the only slot of source '${this.#node.name}' is claimed: its series cannot end now`);
        await this.#freeSlot();
        continue;
      }
      const frame = this.#attachment.frame(slot);
      frame.begin('bytes', [0]);
      frame.sourceIndex = this.#node.index;
      frame.sequence = this.#lastSequence;
      frame.timestamp = this.#lastTimestamp;
      frame.ends = true;
      frame.empty = true;
      frame.block = blockOf(this.#number);
      this.#describe(frame);
      await this.#publish(frame, 0, 0);
      return;
    }
  }

  #describe(frame: FrameView): void {
    frame.ordinal = this.#ordinal >>> 0;
    frame.receivedUs = this.#attachment.nowUs();
    frame.series = this.#series.index;
    frame.store();
  }

  /** Counts what is settled. */
  sweep(): void {
    this.#ledger.sweep();
  }

  #look(): void {
    this.#ledger.sweep();
    this.#series.look();
  }

  /** Resolves when every frame of the source is settled and counted, or the run is aborted. */
  async settled(): Promise<void> {
    await this.#ledger.atRest();
  }

  close(): void {
    clearInterval(this.#timer);
    this.sweep();
    if (this.#parcel?.slot) {
      this.#stock.putBack(this.#parcel.slot.slot); // given up: it was never received
      this.#parcel.slot = undefined;
    }
    for (const slot of this.#stock.empty()) this.#attachment.throughGate(() => this.#attachment.ring.release(slot));
  }
}
