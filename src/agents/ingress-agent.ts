import { setTimeout as delay } from 'node:timers/promises';
import { isSeriesId } from '../codecs/message-header.js';
import { MillraceError } from '../errors/errors.js';
import { type Logger, RateLimiter } from '../errors/logger.js';
import { byteLength } from '../frame/dtype.js';
import type { FrameHeader } from '../frame/frame.js';
import { encodeMeta, type FrameView } from '../frame/frame-view.js';
import { ParcelWriter } from '../frame/parcel-writer.js';
import type { SeriesEnding, SeriesMessage } from '../frame/series.js';
import { META_BYTES } from '../frame/slot-layout.js';
import type { FrameWriter, OpenSlot, RefuseReason } from '../ingress/ingress.js';
import { OUTCOME } from '../observe/outcome.js';
import type { SeriesReport } from '../observe/report.js';
import type { PoolPlan, SourceNode } from '../pipeline/plan-types.js';
import { sleepAsync } from '../ring/park.js';
import { EMPTY, GATE_CLOSED, LEDGER, LINE, SLOT_MASK, SOURCE } from '../ring/ring-layout.js';
import { SlotStock } from '../ring/slot-stock.js';
import { type Attachment, bitIn } from './attachment.js';
import { ClaimedSlot } from './claimed-slot.js';
import { edgeFor } from './edge-for.js';
import { OpenParcel } from './open-parcel.js';
import { SequenceTracker } from './sequence-tracker.js';
import { SeriesKeeper } from './series-keeper.js';
import { writeSeries } from './series-table.js';

/** Settled entries are counted after so many commits, and whenever the source is idle. */
const SWEEP_EVERY = 32;
const SWEEP_MS = 20;
const SWEEP_AT_MOST = 1024;

/** The writing end of a source: claims slots, commits frames, counts what was refused, sweeps the settlement table. */
export class IngressAgent implements FrameWriter {
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
  readonly #branches: number;
  /** Edge index by output, of the frame that was handed on last. */
  readonly #edges: number[];
  readonly #slot: ClaimedSlot;
  readonly #stock: SlotStock;
  readonly #timer: NodeJS.Timeout;
  readonly #series = new SeriesKeeper();
  readonly #onSeries: (report: SeriesReport) => void;
  readonly #timeoutMs: number | undefined;
  #closedSeries: SeriesReport | undefined;
  #isFinished = false;
  /** Starts and ends of series, from the wire and from outside, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  /** While a series ends nothing is claimed, and what is claimed is not committed. */
  #held: Promise<void> | undefined;
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
  #sinceSweep = 0;

  /** `onSeries` hears of every series that has closed. `timeoutMs`: a series of which nothing comes for so long ends. */
  constructor(
    attachment: Attachment,
    node: SourceNode,
    log: Logger,
    signal: AbortSignal,
    onSeries: (report: SeriesReport) => void = () => {},
    timeoutMs?: number,
  ) {
    this.#onSeries = onSeries;
    this.#timeoutMs = timeoutMs;
    this.#attachment = attachment;
    this.#node = node;
    this.#pool = attachment.poolOf(node.name);
    this.#log = log;
    this.#signal = signal;
    this.maxBytes = node.maxFrameBytes;
    this.#poolBit = bitIn(this.#pool.threads, attachment.thread);
    this.#branches = node.routes.reduce((mask, route) => mask | (1 << route.branch), 0);
    this.#edges = node.routes.map((route) => route.edges[0]!);
    this.#ordinal = this.#ledgerWords()[LEDGER.given]!;
    this.resumeAt = this.#ledgerWords()[LEDGER.received]! >>> 0;
    this.#number = (attachment.plan.startOrdinal + (node.parcel ? this.#ledgerWords()[LEDGER.records]! : 0)) | 0;
    this.#slot = new ClaimedSlot(this, attachment.arena.buffer);
    this.#parcel = node.parcel && new OpenParcel(new ParcelWriter(attachment.arena), node.parcel, attachment.nowUs, () => this.#flush());
    this.#stock = new SlotStock(attachment.ring, attachment.arena.words, attachment.line, this.#pool.ring, this.#pool.slots);
    if ((attachment.word(attachment.line + LINE.record) & 1) === 0) this.#nameEdges();
    this.#timer = setInterval(() => this.#look(), SWEEP_MS);
  }

  /** Before anything else, in a thread that takes another's place: hands over what that had committed and an ordered edge did not admit yet. */
  async begin(): Promise<void> {
    const { line, plan } = this.#attachment;
    if (this.#attachment.word(line + LINE.record) & 1) {
      const rings = Array.from({ length: this.#attachment.word(line + LINE.outputs) }, (_, i) =>
        this.#attachment.word(line + LINE.outputRefs + 8 * i + 4),
      );
      await this.#handOver(
        0,
        rings.map((ring) => plan.edges.findIndex((edge) => edge.ring === ring)),
      );
    }
    this.#nameEdges();
  }

  /** Where there is no choice, what this thread hands on goes to the same edges by the same branches for ever: only the slot changes. */
  #nameEdges(): void {
    const { line, plan } = this.#attachment;
    for (const [i, edge] of this.#edges.entries()) this.#attachment.setWord(line + LINE.outputRefs + 8 * i + 4, plan.edges[edge]!.ring);
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
    if (this.#parcel?.takes(header, bytes)) return this.#claimRecord(this.#parcel, header, bytes);
    if (this.#parcel?.slot) this.#flush();
    const slot = this.#claimSlot();
    if (slot === EMPTY) return undefined;
    const frame = this.#attachment.frame(slot);
    frame.begin(header.dtype, header.shape);
    if (header.meta) frame.meta = header.meta;
    frame.sourceIndex = this.#node.index;
    frame.sequence = header.sequence ?? (this.#parcel ? this.#number : this.#ordinal) >>> 0;
    frame.timestamp = header.timestamp ?? Number.NaN;
    this.#slot.frame = frame;
    this.#slot.numbered = header.sequence !== undefined;
    this.#slot.at(frame.address, bytes);
    this.#stock.take();
    return this.#slot;
  }

  /** The slot that the stock gives next, or EMPTY: there is none now, or nothing may be claimed. */
  #claimSlot(): number {
    if (this.#held || this.#handing) return EMPTY;
    if (this.#tableIsFull()) {
      this.sweep();
      if (this.#tableIsFull()) return EMPTY;
    }
    return this.#stock.peek();
  }

  #claimRecord(parcel: OpenParcel, header: FrameHeader, bytes: number): OpenSlot | undefined {
    if (this.#held || this.#handing) return undefined;
    const sequence = header.sequence ?? this.#number >>> 0;
    let address = parcel.slot ? parcel.append(header, bytes, sequence) : -1;
    if (address < 0) {
      if (parcel.slot) this.#flush();
      const slot = this.#claimSlot();
      if (slot === EMPTY) return undefined;
      this.#stock.take();
      parcel.open(this.#attachment.frame(slot), header);
      address = parcel.append(header, bytes, sequence);
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
    writer.close(slot, this.#node.index, this.#ordinal, this.#series.index);
    const pending = this.#publish(slot, writer.used, writer.count);
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
    const { arena, park } = this.#attachment;
    if (this.#signal.aborted || this.#attachment.aborted) return Promise.resolve();
    if (this.#held) return this.#held;
    if (this.#handing) return this.#handing;
    if (this.#tableIsFull()) return sleepAsync(arena.words, this.#node.bell, 1, park, () => this.#tableIsFull());
    return this.#freeSlot();
  }

  #freeSlot(): Promise<void> {
    const { arena, park } = this.#attachment;
    const freeRing = this.#pool.ring;
    return sleepAsync(arena.words, this.#pool.bell, this.#poolBit, park, () => this.#attachment.isEmpty(freeRing, this.#pool.cells));
  }

  write(header: FrameHeader, data: Uint8Array): Promise<boolean> | boolean {
    const series = header.meta?.series;
    if (series !== undefined && series !== this.#series.id && isSeriesId(series)) return this.#writeInNext(series, header, data);
    let slot: OpenSlot | undefined;
    try {
      slot = this.claim(header);
    } catch (error) {
      if (!(error instanceof MillraceError && error.code === 'ERR_MESSAGE_TOO_LARGE')) throw error;
      this.refuse('too-large', error.message);
      return true;
    }
    if (!slot) return this.#writeLater(header, data);
    this.#slot.set(data);
    const pending = slot.commit();
    return pending ? pending.then(() => true) : true;
  }

  /** A frame of a series whose start did not come, or not yet. */
  async #writeInNext(series: string | number, header: FrameHeader, data: Uint8Array): Promise<boolean> {
    if (!(await this.startSeries({ kind: 'series-start', series }))) return false;
    return this.write(header, data);
  }

  async #writeLater(header: FrameHeader, data: Uint8Array): Promise<boolean> {
    const series = header.meta?.series;
    for (;;) {
      if (this.#signal.aborted || this.#attachment.aborted) return false;
      await this.ready();
      // Meanwhile another one may have been begun from outside.
      if (series !== undefined && series !== this.#series.id && isSeriesId(series)) return this.#writeInNext(series, header, data);
      const slot = this.claim(header);
      if (!slot) continue;
      this.#slot.set(data);
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
    if (this.#parcel?.claimed) return this.#commitRecord(this.#parcel, numbered);
    if (this.#held) return this.#commitAfter(frame, numbered);
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
    while (this.#held) await this.#held;
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
    const { ring, line } = this.#attachment;
    this.#attachment.throughGate(() => ring.fanClaimed(frame.slot, this.#branches));
    const { routes } = this.#node;
    for (let i = 0; i < routes.length; i++) {
      this.#attachment.setWord(line + LINE.outputRefs + 8 * i, (frame.slot & SLOT_MASK) | (routes[i]!.branch << 24));
      if (routes[i]!.edges.length > 1) this.#choose(i, frame);
    }
    const done = this.#attachment.throughGate(() =>
      ring.commitFrame(this.#node.index, this.#node.leaves, this.#edges.length, bytes, count),
    );
    this.#ordinal = (this.#ordinal + 1) | 0;
    if (++this.#sinceSweep >= SWEEP_EVERY) this.sweep();
    return done < this.#edges.length ? this.#handOver(done) : undefined;
  }

  #choose(output: number, frame: FrameView): void {
    const { line, plan } = this.#attachment;
    const edge = edgeFor(this.#node.routes[output]!, frame);
    this.#edges[output] = edge;
    this.#attachment.setWord(line + LINE.outputRefs + 8 * output + 4, plan.edges[edge]!.ring);
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

  async startSeries(start: SeriesMessage): Promise<boolean> {
    this.#refuseInRecord();
    return this.#inTurn(() => this.#start(start));
  }

  /** Begins a series from outside. The report of the one before, if one was open; rejects when the source takes none any more. */
  commandStart(start: SeriesMessage): Promise<SeriesReport | undefined> {
    return this.#inTurn(async () => {
      this.#refuseLate();
      this.#closedSeries = undefined;
      if (!(await this.#start(start))) throw new MillraceError('ERR_CLOSED', 'the run was given up before the series began');
      return this.#closedSeries;
    });
  }

  /** Ends the open series from outside; with `id`, only that one. */
  commandEnd(id: string | number | undefined): Promise<SeriesReport> {
    return this.#inTurn(async () => {
      this.#refuseLate();
      if (!this.#series.isOpen) throw new MillraceError('ERR_STATE', `source '${this.#node.name}' has no series open`);
      if (id !== undefined && id !== this.#series.id)
        throw new MillraceError('ERR_STATE', `the series open at source '${this.#node.name}' is ${this.#series.id}, not ${id}`);
      this.#closedSeries = undefined;
      if (!(await this.#end('end')) || !this.#closedSeries)
        throw new MillraceError('ERR_CLOSED', 'the run was given up, or the series timed out, before it was ended');
      return this.#closedSeries;
    });
  }

  #refuseLate(): void {
    if (this.#isFinished || this.#signal.aborted || this.#attachment.aborted)
      throw new MillraceError('ERR_STATE', `source '${this.#node.name}' has ended`);
  }

  /** Its parcel belongs to the open series, and cannot be handed on before it: the source would wait for itself. */
  #refuseInRecord(): void {
    if (this.#parcel?.claimed)
      throw new MillraceError(
        'ERR_STATE',
        `source '${this.#node.name}' has claimed a record: commit or abort it before a series begins or ends`,
      );
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {}); // told to the one who asked
    return done;
  }

  async #start(start: SeriesMessage): Promise<boolean> {
    // The entry is free: its last series closed before the one that is open began.
    writeSeries(this.#attachment.arena, this.#node.series, this.#series.nextIndex, start);
    return this.#end('superseded', start);
  }

  async endSeries(end: SeriesMessage): Promise<boolean> {
    this.#refuseInRecord();
    return this.#inTurn(() => this.#endNamed(end));
  }

  async #endNamed({ series, expected }: SeriesMessage): Promise<boolean> {
    if (this.#series.id !== series) {
      this.#log.warn({ source: this.#node.name, series }, `source '${this.#node.name}': the end of series ${series}, which is not open`);
      return true;
    }
    this.#series.expect(expected);
    return this.#end('end');
  }

  /** After the last frame: ends the open series, or lets operators hand on what they hold of a source without any. */
  async finish(): Promise<void> {
    if (this.#slot.frame) this.#slot.abort(); // what the source did not commit was never received
    await this.#inTurn(() => this.#finish());
  }

  async #finish(): Promise<void> {
    this.#isFinished = true;
    await this.#end(this.#signal.aborted ? 'stopped' : 'end');
  }

  /**
   * Waits until nothing is under way, sends the last frame of the series through, and closes its books. Meanwhile nothing
   * is claimed or committed; `next` begins before anything is again. It never waits for a slot that the source has claimed:
   * the source may be the one who asks. (It waits for a record in a parcel; a source that has one is not let in here.) False
   * when the run was given up.
   */
  async #end(ended: SeriesEnding, next?: SeriesMessage): Promise<boolean> {
    while (this.#held) await this.#held;
    let release: () => void = () => {};
    this.#held = new Promise((resolve) => {
      release = resolve;
    });
    try {
      // A record that is being decoded into the parcel still belongs to the old series.
      while (this.#parcel?.claimed && !this.#isFinished && !this.#signal.aborted && !this.#attachment.aborted) await delay(1);
      this.#flush();
      if (this.#handing) await this.#handing;
      if (!(await this.#atRest())) return false;
      if (this.#series.isOpen || this.#node.flushes) {
        if (this.#received > 0) await this.#sendEnd();
        if (!(await this.#atRest())) return false;
      }
      if (this.#series.isOpen) {
        this.#closedSeries = this.#series.end(ended, this.#ledgerWords());
        this.#onSeries(this.#closedSeries);
      }
      if (next) this.#series.begin(next, this.#ledgerWords());
      return true;
    } finally {
      this.#held = undefined;
      release();
    }
  }

  async #atRest(): Promise<boolean> {
    const { arena, park } = this.#attachment;
    for (;;) {
      this.sweep();
      if (this.#inFlight() === 0) return true;
      if (this.#attachment.aborted) return false;
      await sleepAsync(arena.words, this.#node.bell, 1, park, () => true);
    }
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
      this.#describe(frame);
      await this.#publish(frame, 0, 0);
      return;
    }
  }

  get #received(): number {
    return (this.#ordinal - this.#attachment.plan.startOrdinal) | 0;
  }

  #ledgerWords(): Int32Array {
    const record = this.#attachment.word(this.#attachment.line + LINE.record);
    const bank = (this.#node.block + SOURCE.banks + ((record >>> 1) & 1) * SOURCE.bankBytes) >>> 2;
    return this.#attachment.arena.words.slice(bank, bank + LEDGER.words);
  }

  #describe(frame: FrameView): void {
    frame.ordinal = this.#ordinal >>> 0;
    frame.receivedUs = this.#attachment.nowUs();
    frame.series = this.#series.index;
    frame.store();
  }

  async #handOver(from: number, edges: readonly number[] = this.#edges): Promise<void> {
    const { ring, arena, park, plan } = this.#attachment;
    let done = from;
    while (done < edges.length && !this.#attachment.aborted) {
      const edge = plan.edges[edges[done]!]!;
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

  #look(): void {
    this.sweep();
    if (this.#timeoutMs !== undefined && !this.#held && !this.#parcel?.claimed && this.#series.isSilent(this.#timeoutMs))
      this.#end('timed-out').catch(() => {}); // the next look tries again
  }

  /** Resolves when every frame of the source is settled and counted, or the run is aborted. */
  async settled(): Promise<void> {
    await this.#atRest();
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
    if (this.#parcel?.slot) {
      this.#stock.putBack(this.#parcel.slot.slot); // given up: it was never received
      this.#parcel.slot = undefined;
    }
    for (const slot of this.#stock.empty()) this.#attachment.throughGate(() => this.#attachment.ring.release(slot));
  }
}
