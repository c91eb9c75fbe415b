import { setTimeout as delay } from 'node:timers/promises';
import { MillraceError } from '../../errors/errors.js';
import type { Logger } from '../../errors/logger.js';
import type { SeriesEnding, SeriesMessage } from '../../frame/series.js';
import type { SeriesReport } from '../../observe/report.js';
import type { SourceNode } from '../../plan/plan-types.js';
import { writeSeries } from '../../plan/series-table.js';
import type { Attachment } from '../thread/attachment.js';
import type { FrameClaims } from './frame-claims.js';
import type { OpenSeries } from './open-series.js';
import type { SourceLedger } from './source-ledger.js';
import type { Numbering } from './verdict-of-numbers.js';

export interface SeriesOptions {
  readonly signal: AbortSignal;
  /** Called for every series that has closed. */
  readonly onSeries: (report: SeriesReport) => void;
  /** A series of which nothing comes for so long ends. */
  readonly timeoutMs: number | undefined;
}

/**
 * The series of a source: they begin and end, by its messages, from outside, or by time, one after the other, and only while
 * nothing of the source is under way.
 */
export class SourceSeries {
  readonly #attachment: Attachment;
  readonly #node: SourceNode;
  readonly #ledger: SourceLedger;
  readonly #open: OpenSeries;
  readonly #claims: FrameClaims;
  readonly #log: Logger;
  readonly #options: SeriesOptions;
  #closed: SeriesReport | undefined;
  #isFinished = false;
  /** Ordinals given when the last end was sent. */
  #endedAt = 0;
  /** Starts and ends, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    attachment: Attachment,
    node: SourceNode,
    ledger: SourceLedger,
    open: OpenSeries,
    claims: FrameClaims,
    log: Logger,
    options: SeriesOptions,
  ) {
    this.#attachment = attachment;
    this.#node = node;
    this.#ledger = ledger;
    this.#open = open;
    this.#claims = claims;
    this.#log = log;
    this.#options = options;
  }

  get id(): string | number | undefined {
    return this.#open.id;
  }

  /** The run, or its source, was given up: nothing more is taken. */
  get isGivenUp(): boolean {
    return this.#options.signal.aborted || this.#attachment.aborted;
  }

  /** False when the run was given up. */
  async start(start: SeriesMessage): Promise<boolean> {
    this.#refuseInRecord();
    return this.#inTurn(() => this.#start(start, 'told-or-from-zero'));
  }

  /** Ends the open series, if it has this name. False when the run was given up. */
  async end(end: SeriesMessage): Promise<boolean> {
    this.#refuseInRecord();
    return this.#inTurn(() => this.#endNamed(end));
  }

  /** Begins a series from outside. The report of the one before, if one was open; rejects when the source takes none any more. */
  commandStart(start: SeriesMessage): Promise<SeriesReport | undefined> {
    return this.#inTurn(async () => {
      this.#refuseLate();
      this.#closed = undefined;
      if (!(await this.#start(start, 'from-the-first-that-came')))
        throw new MillraceError('ERR_CLOSED', 'the run was given up before the series began');
      return this.#closed;
    });
  }

  /** Ends the open series from outside; with `id`, only that one. */
  commandEnd(id: string | number | undefined): Promise<SeriesReport> {
    return this.#inTurn(async () => {
      this.#refuseLate();
      if (!this.#open.keeper.isOpen) throw new MillraceError('ERR_STATE', `source '${this.#node.name}' has no series open`);
      if (id !== undefined && id !== this.#open.keeper.id)
        throw new MillraceError('ERR_STATE', `the series open at source '${this.#node.name}' is ${this.#open.keeper.id}, not ${id}`);
      this.#closed = undefined;
      if (!(await this.#end('end')) || !this.#closed)
        throw new MillraceError('ERR_CLOSED', 'the run was given up, or the series timed out, before it was ended');
      return this.#closed;
    });
  }

  /** After the last frame: ends the open series, or lets operators hand on what they hold of a source without any. */
  finish(): Promise<void> {
    return this.#inTurn(async () => {
      this.#isFinished = true;
      await this.#end(this.#options.signal.aborted ? 'stopped' : 'end');
    });
  }

  /** Called now and then: ends a series of which nothing comes any more. */
  look(): void {
    const { timeoutMs } = this.#options;
    if (timeoutMs !== undefined && !this.#open.held && !this.#claims.hasRecord && this.#open.keeper.isSilent(timeoutMs))
      this.#end('timed-out').catch(() => {}); // the next look tries again
  }

  /**
   * Operators receive each end once: not again at the next start or at the end of the source if nothing has arrived
   * since.
   */
  get #hasWhatToEnd(): boolean {
    if (this.#open.keeper.isOpen) return this.#ledger.given > 0;
    return this.#node.flushes && this.#ledger.given !== this.#endedAt;
  }

  #refuseLate(): void {
    if (this.#isFinished || this.isGivenUp) throw new MillraceError('ERR_STATE', `source '${this.#node.name}' has ended`);
  }

  /** Its parcel belongs to the open series, and cannot be handed on before it: the source would wait for itself. */
  #refuseInRecord(): void {
    if (this.#claims.hasRecord)
      throw new MillraceError(
        'ERR_STATE',
        `source '${this.#node.name}' has claimed a record: commit or abort it before a series begins or ends`,
      );
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {}); // The caller receives the error.
    return done;
  }

  async #start(start: SeriesMessage, numbering: Numbering): Promise<boolean> {
    // The entry is free: its last series closed before the open one began.
    writeSeries(this.#attachment.arena, this.#node.series, this.#open.keeper.nextIndex, start);
    return this.#end('superseded', { start, numbering });
  }

  async #endNamed(end: SeriesMessage): Promise<boolean> {
    const { series } = end;
    if (this.#open.keeper.id !== series) {
      this.#log.warn({ source: this.#node.name, series }, `source '${this.#node.name}': the end of series ${series}, which is not open`);
      return true;
    }
    this.#open.keeper.expect(end);
    return this.#end('end');
  }

  /**
   * Waits until no frame is in flight, sends the last frame of the series, and closes its report. Meanwhile nothing is
   * claimed or committed; `next` begins first. It never waits for a slot that the source has claimed, because the
   * source may be the caller. (It waits for a record in a parcel, and refuses a source that holds one.) False when the
   * run was given up.
   */
  async #end(ended: SeriesEnding, next?: { readonly start: SeriesMessage; readonly numbering: Numbering }): Promise<boolean> {
    while (this.#open.held) await this.#open.held;
    const release = this.#open.hold();
    try {
      // A record that is being decoded into the parcel still belongs to the old series.
      while (this.#claims.hasRecord && !this.#isFinished && !this.isGivenUp) await delay(1);
      const handing = this.#claims.handOn();
      if (handing) await handing;
      if (!(await this.#ledger.atRest())) return false;
      if (this.#hasWhatToEnd) {
        await this.#claims.sendEnd();
        this.#endedAt = this.#ledger.given;
        if (!(await this.#ledger.atRest())) return false;
      }
      if (this.#open.keeper.isOpen) {
        this.#closed = this.#open.keeper.end(ended, this.#ledger.read());
        this.#options.onSeries(this.#closed);
      }
      if (next) this.#open.keeper.begin(next.start, next.numbering, this.#ledger.read());
      return true;
    } finally {
      release();
    }
  }
}
