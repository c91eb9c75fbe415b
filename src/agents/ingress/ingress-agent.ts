import type { Logger } from '../../errors/logger.js';
import type { FrameHeader } from '../../frame/frame.js';
import type { SeriesMessage } from '../../frame/series.js';
import type { FrameWriter, LentSlot, OpenSlot, RefuseReason } from '../../ingress/ingress.js';
import type { SeriesReport } from '../../observe/report.js';
import type { SourceNode } from '../../plan/plan-types.js';
import { LEDGER } from '../../ring/ring-layout.js';
import { type Agent, type Step, WORKED } from '../thread/agent.js';
import type { Attachment } from '../thread/attachment.js';
import { FrameClaims } from './frame-claims.js';
import { fittingBytes } from './frame-fits.js';
import { LentSlots } from './lent-slots.js';
import { OpenSeries } from './open-series.js';
import { Refusals } from './refusals.js';
import type { SequenceTracker } from './sequence-tracker.js';
import { SourceLedger } from './source-ledger.js';
import { SourceSeries } from './source-series.js';
import { WholeFrames } from './whole-frames.js';

/**
 * The writing end of a source: claims slots, commits frames, counts what was refused. The source drives it; between its
 * calls `doWork` counts what is settled.
 */
export class IngressAgent implements FrameWriter, Agent {
  readonly maxBytes: number;
  /** Messages that a thread before this one had received. */
  readonly resumeAt: number;
  readonly #ledger: SourceLedger;
  readonly #claims: FrameClaims;
  readonly #series: SourceSeries;
  readonly #refusals: Refusals;
  readonly #whole: WholeFrames;
  readonly #lent: LentSlots;

  /** `onSeries` is called with the report of every series that has closed. `timeoutMs`: a series without frames for so long ends. */
  constructor(
    attachment: Attachment,
    node: SourceNode,
    log: Logger,
    signal: AbortSignal,
    onSeries: (report: SeriesReport) => void = () => {},
    timeoutMs?: number,
  ) {
    this.maxBytes = node.maxFrameBytes;
    this.#ledger = new SourceLedger(attachment, node);
    this.resumeAt = this.#ledger.words()[LEDGER.received]! >>> 0;
    const open = new OpenSeries();
    this.#claims = new FrameClaims(attachment, node, this.#ledger, open, log);
    this.#series = new SourceSeries(attachment, node, this.#ledger, open, this.#claims, log, { signal, onSeries, timeoutMs });
    this.#refusals = new Refusals(attachment, node.name, log);
    this.#whole = new WholeFrames(this.#claims, this.#series, this.#refusals);
    this.#lent = new LentSlots(node.lends, this.#claims.slots, this.#whole);
  }

  /** Before anything else, in a thread that takes another's place: hands over what that had committed and an ordered edge did not admit yet. */
  begin(): Promise<void> {
    return this.#claims.committer.begin();
  }

  /** Numbers of the sender that came. */
  get tracker(): SequenceTracker {
    return this.#claims.committer.tracker;
  }

  claim(header: FrameHeader): OpenSlot | undefined {
    return this.#claims.claim(header);
  }

  fits(header: FrameHeader): void {
    fittingBytes(header, this.maxBytes);
  }

  ready(): Promise<void> {
    return this.#series.isGivenUp ? Promise.resolve() : this.#claims.ready();
  }

  write(header: FrameHeader, data: Uint8Array): Promise<boolean> | boolean {
    return this.#whole.write(header, data);
  }

  lend(lengthBytes: number): LentSlot | undefined | null {
    if (lengthBytes > this.maxBytes || this.#claims.parcel?.takesBytes(lengthBytes)) return undefined;
    return this.#lent.lend(lengthBytes);
  }

  refuse(reason: RefuseReason, detail: string): void {
    this.#refusals.add(reason, detail);
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
    this.#claims.abort(); // what the source did not commit was never received
    await this.#series.finish();
  }

  /** Counts what is settled, and ends a series that has been silent for too long. To be called now and then. */
  doWork(): Step {
    this.#ledger.sweep();
    this.#series.look();
    return WORKED;
  }

  /** Resolves when every frame of the source is settled and counted, or the run is aborted. */
  async settled(): Promise<void> {
    await this.#ledger.atRest();
  }

  close(): void {
    this.#ledger.sweep();
    this.#claims.close();
  }
}
