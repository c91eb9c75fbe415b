import { type Cause, causeOf } from '../../dead-letters/cause.js';
import { LetterBox } from '../../dead-letters/letter-box.js';
import type { Delivery, Egress } from '../../egress/egress.js';
import { asMillraceError } from '../../errors/errors.js';
import { type Logger, RateLimiter } from '../../errors/logger.js';
import type { Frame } from '../../frame/frame.js';
import type { FrameView } from '../../frame/frame-view.js';
import { ParcelReader } from '../../frame/parcel-reader.js';
import type { Series } from '../../frame/series.js';
import { Histogram } from '../../observe/histogram.js';
import { OUTCOME } from '../../observe/outcome.js';
import { SINK_STATS } from '../../observe/sink-stats.js';
import type { EdgePlan, SinkNode } from '../../plan/plan-types.js';
import { readSeries } from '../../plan/series-table.js';
import { ENTRY, LINE } from '../../ring/ring-layout.js';
import { type Agent, ENDED, type Step, TOOK, type Wait, WORKED } from '../thread/agent.js';
import { type Attachment, bitIn } from '../thread/attachment.js';
import { RecordWriter, readChain } from '../thread/commit-outputs.js';
import { unpack } from '../thread/unpack.js';
import { LateDeliveries } from './late-deliveries.js';
import { PinnedReferences } from './pinned-references.js';

/** The reading end of a sink: takes batches, writes them, settles what was delivered. */
export class EgressAgent implements Agent {
  readonly #attachment: Attachment;
  readonly #node: SinkNode;
  readonly #egress: Egress;
  readonly #log: Logger;
  readonly #required: boolean;
  readonly #signal: AbortSignal;
  readonly #edge: EdgePlan;
  readonly #itemWait: Wait;
  /** How many references are taken and not yet written. */
  #taken = 0;
  #flushed = false;
  readonly #record: RecordWriter;
  readonly #histogram: Histogram;
  /** What the client takes later than the sink accepts it. */
  readonly late: LateDeliveries;
  readonly #limiter = new RateLimiter();
  readonly #letters: LetterBox | undefined;
  readonly #frames: FrameView[] = [];
  /** For each frame of the batch, the index of the reference that it came with. */
  readonly #owner: number[] = [];
  readonly #chain: FrameView[] = [];
  /** First frame of each reference of the batch. */
  readonly #heads: FrameView[] = [];
  /** Views of the records of a batch's parcels, kept for the next. */
  readonly #views: FrameView[] = [];
  readonly #reader: ParcelReader;
  readonly #unpacked: FrameView[] = [];
  readonly #held: PinnedReferences;
  readonly #hold = (index: number): (() => void) | undefined => this.#held.hold(this.#reference(this.#owner[index]!));
  #records = 0;
  /** By source, the series of which something came last. */
  readonly #series = new Map<number, Series>();
  #source = 0;
  /** What wants to see the next batch's last frame, once. */
  #onSample: ((frame: Frame) => void) | undefined;

  constructor(attachment: Attachment, node: SinkNode, egress: Egress, log: Logger, required: boolean, signal: AbortSignal) {
    this.#attachment = attachment;
    this.#node = node;
    this.#egress = egress;
    this.#log = log;
    this.#required = required;
    this.#signal = signal;
    this.#edge = attachment.edgeInto(node.name);
    this.#itemWait = {
      bell: this.#edge.itemBell,
      bit: bitIn(this.#edge.consumerThreads, attachment.thread),
      look: () => {
        this.#taken = Math.max(0, this.#take());
        return this.#taken > 0;
      },
    };
    const { deadLetters } = attachment.plan;
    this.#letters = deadLetters && new LetterBox(deadLetters, attachment.arena.words, attachment.thread, log);
    this.#record = new RecordWriter(attachment);
    this.#reader = new ParcelReader(attachment.arena);
    this.#histogram = new Histogram(attachment.arena.buffer, node.histogram);
    const { words } = attachment.arena;
    this.late = new LateDeliveries(
      words,
      node.late,
      attachment.sourceNames,
      (index) => this.#frames[index]!,
      (receivedUs) => {
        this.#histogram.record(attachment.nowUs() - receivedUs);
        this.#add(SINK_STATS.delivered, 1);
      },
    );
    this.#held = new PinnedReferences(node.holds, (reference) => {
      attachment.gated.release(reference);
    });
  }

  /** Shows the last frame of the next batch, before it is written. The frame is valid during the call only. */
  sampleNext(take: (frame: Frame) => void): void {
    this.#onSample = take;
  }

  /** Takes a batch, writes it, or flushes the sink when the edge is closed and empty. Throws, or rejects, when the sink fails. */
  doWork(): Step {
    if (this.#flushed) return ENDED;
    if (this.#taken > 0) {
      const count = this.#taken;
      this.#taken = 0;
      return this.#write(count) ?? WORKED;
    }
    const closed = this.#attachment.isClosed(this.#edge);
    const count = this.#take();
    this.#taken = Math.max(0, count);
    if (count > 0) return TOOK;
    return closed && count === 0 ? this.#flush() : this.#itemWait;
  }

  async #flush(): Promise<void> {
    await this.#egress.flush?.();
    this.#flushed = true;
  }

  #take(): number {
    const sources = this.#attachment.plan.sources.length;
    if (sources > 1) this.#source = (this.#source + 1) % sources;
    // What a thread before this one died with comes alone: its death counts for that frame, and not for a whole batch.
    const atMost = this.#attachment.isEmpty(this.#edge.lane, this.#edge.laneCells) ? this.#node.batch : 1;
    return this.#attachment.ring.takeN(this.#edge.ring, this.#source, atMost);
  }

  /** Number `i` of the batch. */
  #reference(i: number): number {
    return this.#attachment.word(this.#attachment.line + LINE.batch + 4 * i);
  }

  #write(count: number): Promise<void> | undefined {
    this.#frames.length = 0;
    this.#owner.length = 0;
    this.#heads.length = 0;
    this.#records = 0;
    const begun: Series[] = [];
    const ended: Series[] = [];
    for (let i = 0; i < count; i++) {
      const chain = readChain(this.#attachment, this.#reference(i), this.#chain);
      this.#heads.push(chain[0]!);
      for (const frame of chain) {
        if (frame.records > 0) {
          if (frame.series !== 0) this.#follow(frame, begun, ended);
          this.#unpack(frame, i);
          continue;
        }
        if (frame.series !== 0) this.#follow(frame, begun, ended);
        if (frame.empty) continue;
        this.#frames.push(frame);
        this.#owner.push(i);
      }
    }
    if (this.#onSample !== undefined && this.#frames.length > 0) {
      const take = this.#onSample;
      this.#onSample = undefined;
      take(this.#frames[this.#frames.length - 1]!);
    }
    try {
      const pending =
        begun.length + ended.length > 0
          ? this.#writeSeries(begun, ended)
          : this.#frames.length > 0
            ? this.#egress.write(this.#frames, this.#hold)
            : undefined;
      if (pending instanceof Promise)
        return pending.then((delivery) => this.#settle(count, delivery)).catch((error: unknown) => this.#failed(count, error));
      this.#settle(count, pending);
    } catch (error) {
      this.#failed(count, error);
    }
  }

  /** Every record of a parcel is a frame of the batch. */
  #unpack(parcel: FrameView, owner: number): void {
    const before = this.#records;
    this.#unpacked[0] = parcel;
    this.#records = unpack(this.#unpacked, this.#reader, this.#views, this.#attachment.arena, before);
    for (let n = before; n < this.#records; n++) {
      this.#frames.push(this.#views[n]!);
      this.#owner.push(owner);
    }
  }

  /** Notes where a series begins and ends. A batch holds no two series of one source: nothing of the next comes before the last has closed. */
  #follow(frame: FrameView, begun: Series[], ended: Series[]): void {
    const known = this.#series.get(frame.sourceIndex);
    let series = known?.index === frame.series ? known : undefined;
    if (!series) {
      series = readSeries(this.#attachment.arena, this.#attachment.plan.sources[frame.sourceIndex]!.series, frame.source, frame.series);
      this.#series.set(frame.sourceIndex, series);
      begun.push(series);
    }
    if (frame.ends) ended.push(series);
  }

  async #writeSeries(begun: readonly Series[], ended: readonly Series[]): Promise<Delivery | undefined> {
    for (const series of begun) await this.#egress.startSeries?.(series);
    const delivery = this.#frames.length > 0 ? await this.#egress.write(this.#frames, this.#hold) : undefined;
    for (const series of ended) await this.#egress.endSeries?.(series);
    return delivery;
  }

  #failed(count: number, error: unknown): void {
    this.late.disown();
    if (this.#required || this.#signal.aborted) throw asMillraceError(error, 'ERR_SINK', `sink '${this.#node.name}'`);
    const suppressed = this.#limiter.admit('failed');
    if (suppressed >= 0)
      this.#log.error(
        { sink: this.#node.name, suppressed },
        `sink '${this.#node.name}' failed: ${asMillraceError(error, 'ERR_SINK').message}`,
      );
    const detail = asMillraceError(error, 'ERR_SINK').message;
    this.#settle(
      count,
      { refused: this.#frames.map((_, index) => ({ index, reason: 'sink-refused' as const, detail })) },
      causeOf(error, 'ERR_SINK'),
    );
  }

  /** `failure`: why the whole batch was refused, where the sink threw. */
  #settle(count: number, delivery: Delivery | undefined, failure?: Cause): void {
    const { nowUs } = this.#attachment;
    const outcomes = new Array<number>(count).fill(OUTCOME.delivered);
    const refused = delivery?.refused ?? [];
    /** Parcels of which some records were refused. */
    const split = new Set<number>();
    for (const { index, reason, detail } of refused) {
      const owner = this.#owner[index]!;
      if (this.#heads[owner]!.records > 0) this.#refuseRecord(owner, this.#frames[index]!.index, OUTCOME[reason], split);
      else outcomes[owner] = Math.max(outcomes[owner]!, OUTCOME[reason]);
      // The reader chose not to read on: no fault, and nothing to keep.
      if (reason === 'unread') continue;
      const suppressed = this.#limiter.admit(reason);
      if (suppressed >= 0)
        this.#log.warn(
          { sink: this.#node.name, reason, ordinal: this.#frames[index]!.ordinal, suppressed },
          `sink '${this.#node.name}' did not take a frame (${reason}): ${detail}`,
        );
      const cause = failure ?? { code: 'ERR_SINK', message: detail };
      // Durable before the frame is settled.
      this.#letters?.write(
        [this.#frames[index]!],
        { node: this.#node.name, outcome: reason, attempts: 1, cause },
        this.#heads[owner]!.records > 0 ? this.#frames[index]!.output : index - this.#owner.indexOf(owner),
      );
    }
    const now = nowUs();
    let bytes = 0;
    const refusedAt = new Set(refused.map(({ index }) => index));
    for (const [i, frame] of this.#frames.entries()) {
      bytes += frame.lengthBytes;
      if (!delivery?.late && !refusedAt.has(i)) this.#histogram.record(now - frame.receivedUs);
    }
    if (!delivery?.late) this.#add(SINK_STATS.delivered, this.#frames.length - refused.length);
    this.late.own();
    this.#add(SINK_STATS.refused, refused.length);
    this.#add(SINK_STATS.redelivered, delivery?.redelivered ?? 0);
    const record = this.#record;
    record.start();
    for (let i = 0; i < count; i++) {
      const reference = this.#reference(i);
      const head = this.#heads[i]!;
      const leaves = this.#edge.leaves[head.sourceIndex]![reference >>> 24]!;
      if (this.#isOwed(reference, head, leaves)) {
        if (split.has(i)) record.settleEach(head.sourceIndex, head.ordinal, leaves, this.#outcomesOf(i));
        record.settle(head.sourceIndex, head.ordinal, leaves, outcomes[i]!);
      } else if (delivery?.late && outcomes[i] === OUTCOME.delivered) this.late.again(head.sourceIndex);
      if (!this.#held.keeps(reference)) record.input(reference);
    }
    record.commit(this.#frames.length, bytes);
  }

  /**
   * Frames that an earlier thread had settled and was still sending come again: none of them is owed, or its entry
   * belongs to a later ordinal or soon will. As long as a frame is owed, its entry is not reused.
   */
  #isOwed(reference: number, { sourceIndex, ordinal }: FrameView, leaves: number): boolean {
    if (this.#attachment.deathsOf(reference) === 0) return true;
    const { words } = this.#attachment.arena;
    const { table, tableEntries } = this.#attachment.plan.sources[sourceIndex]!;
    const entry = table + ENTRY.bytes * (ordinal & (tableEntries - 1));
    if (Atomics.load(words, (entry + ENTRY.ordinal) >>> 2) !== (ordinal | 0)) return false;
    const owed = Atomics.load(words, (entry + ENTRY.owed) >>> 2) & leaves;
    return owed !== 0 && Atomics.load(words, (entry + ENTRY.ordinal) >>> 2) === (ordinal | 0);
  }

  /** Address of the outcomes of the records of parcel `i` of the batch. */
  #outcomesOf(i: number): number {
    return this.#node.outcomes + i * this.#node.maxRecords;
  }

  #refuseRecord(owner: number, index: number, code: number, split: Set<number>): void {
    const { bytes } = this.#attachment.arena;
    const from = this.#outcomesOf(owner);
    if (!split.has(owner)) bytes.fill(0, from, from + this.#node.maxRecords);
    split.add(owner);
    if (index < this.#node.maxRecords) bytes[from + index] = Math.max(bytes[from + index]!, code + 1);
  }

  /** Adds to a counter of the sink; this thread is its only writer. */
  #add(word: number, n: number): void {
    const address = this.#node.stats + word;
    this.#attachment.setWord(address, this.#attachment.word(address) + n);
  }

  outage(ms: number): void {
    this.#add(SINK_STATS.outageMs, Math.round(ms));
  }
}
