import type { FrameHeader } from '../../frame/frame.js';
import type { FrameView } from '../../frame/frame-view.js';
import { blockOf } from '../../frame/parcel-layout.js';
import type { SourceNode } from '../../plan/plan-types.js';
import { LEDGER } from '../../ring/ring-layout.js';
import type { Attachment } from '../thread/attachment.js';
import type { OpenSeries } from './open-series.js';
import { SequenceTracker } from './sequence-tracker.js';
import type { SourceLedger } from './source-ledger.js';
import { SourceOutputs } from './source-outputs.js';

/** Commits what a source has filled: numbers it, counts it with its series, hands it on. */
export class FrameCommitter {
  readonly tracker = new SequenceTracker();
  readonly #attachment: Attachment;
  readonly #node: SourceNode;
  readonly #ledger: SourceLedger;
  readonly #series: OpenSeries;
  readonly #outputs: SourceOutputs;
  /** Waits for the end of a series to be committed. */
  #late: FrameView | undefined;
  /** Number of the next message, where its sender gives none. */
  #number: number;
  #ordinal: number;
  #lastSequence = 0;
  #lastTimestamp = Number.NaN;

  constructor(attachment: Attachment, node: SourceNode, ledger: SourceLedger, series: OpenSeries) {
    this.#attachment = attachment;
    this.#node = node;
    this.#ledger = ledger;
    this.#series = series;
    this.#outputs = new SourceOutputs(attachment, node);
    const words = ledger.words();
    this.#ordinal = words[LEDGER.given]!;
    this.#number = (attachment.plan.startOrdinal + (node.parcel ? words[LEDGER.records]! : 0)) | 0;
  }

  /** As `SourceOutputs.begin`. */
  begin(): Promise<void> {
    return this.#outputs.begin();
  }

  get number(): number {
    return this.#number;
  }

  get ordinal(): number {
    return this.#ordinal;
  }

  /** A frame waits for the end of a series to be committed. */
  get hasLate(): boolean {
    return this.#late !== undefined;
  }

  /** Writes what the header says of a frame. */
  describe(frame: FrameView, header: FrameHeader): void {
    frame.begin(header.dtype, header.shape);
    if (header.meta) frame.meta = header.meta;
    frame.sourceIndex = this.#node.index;
    frame.sequence = header.sequence ?? (this.#node.parcel ? this.#number : this.#ordinal) >>> 0;
    frame.timestamp = header.timestamp ?? Number.NaN;
  }

  /** `numbered`: by its sender. A promise is returned when a blocking edge is full or a series ends. */
  commit(frame: FrameView, numbered: boolean): Promise<void> | undefined {
    if (this.#series.held) return this.#commitAfter(frame, numbered);
    frame.block = blockOf(this.#number);
    this.#store(frame);
    this.count(frame.sequence, frame.timestamp, numbered);
    return this.publish(frame, frame.lengthBytes, 1);
  }

  /** A frame whose slot was claimed before its series was ended (from outside, by time): it belongs to what comes next. */
  async #commitAfter(frame: FrameView, numbered: boolean): Promise<void> {
    this.#late = frame;
    while (this.#series.held) await this.#series.held;
    this.#late = undefined;
    await this.commit(frame, numbered);
  }

  /** A message became a frame, or a record of a parcel. */
  count(sequence: number, timestamp: number, numbered: boolean): void {
    this.#number = (this.#number + 1) | 0;
    if (numbered) this.tracker.add(sequence);
    this.#series.keeper.add(numbered ? sequence : undefined);
    this.#lastSequence = sequence;
    this.#lastTimestamp = timestamp;
  }

  /** Passes on a frame of this many messages; returns a promise when a blocking edge is full. */
  publish(frame: FrameView, bytes: number, count: number): Promise<void> | undefined {
    const pending = this.#outputs.publish(frame, bytes, count);
    this.#ordinal = (this.#ordinal + 1) | 0;
    this.#ledger.sweepNowAndThen();
    return pending;
  }

  /** An empty frame with its own ordinal, which does not count as a frame: it flushes what operators still hold. */
  async sendEnd(frame: FrameView): Promise<void> {
    frame.begin('bytes', [0]);
    frame.sourceIndex = this.#node.index;
    frame.sequence = this.#lastSequence;
    frame.timestamp = this.#lastTimestamp;
    frame.ends = true;
    frame.empty = true;
    frame.block = blockOf(this.#number);
    this.#store(frame);
    await this.publish(frame, 0, 0);
  }

  #store(frame: FrameView): void {
    frame.ordinal = this.#ordinal >>> 0;
    frame.receivedUs = this.#attachment.nowUs();
    frame.series = this.#series.index;
    frame.store();
  }
}
