import type { FromThread } from '../agents/thread/thread-messages.js';
import { openLetterDirectory } from '../dead-letters/letter-directory.js';
import { asMillraceError, MillraceError } from '../errors/errors.js';
import { type Logger, redacting, SILENT } from '../errors/logger.js';
import { type ArenaViews, viewArena } from '../frame/arena-views.js';
import type { Meta } from '../frame/frame.js';
import { createArena } from '../memory/arena.js';
import { VERSION } from '../memory/package-version.js';
import { cumulate } from '../observe/histogram.js';
import { MetricsServer } from '../observe/metrics-server.js';
import { metricsText } from '../observe/metrics-text.js';
import type { OutcomeName } from '../observe/outcome.js';
import type { ProfileSample } from '../observe/profile-sample.js';
import type { Progress, QueueDepth, Report, SeriesReport } from '../observe/report.js';
import type { SequenceVerdict } from '../observe/sequence-verdict.js';
import type { PlanOptions } from '../plan/draft.js';
import { formatArena } from '../plan/format-arena.js';
import { plan as makePlan } from '../plan/plan.js';
import type { Plan } from '../plan/plan-types.js';
import { wakeThreads } from '../ring/park.js';
import { CONTROL, LINE, PHASE, RING } from '../ring/ring-layout.js';
import type { PipelineSpec } from '../spec/spec.js';
import { arenaState } from './arena-state.js';
import { AwakeClock } from './awake-clock.js';
import { buildReport, emptyReport } from './build-report.js';
import { Connectors } from './connectors.js';
import { Counters } from './counters.js';
import { FirstDeaths } from './first-deaths.js';
import { guardDamage } from './guard-damage.js';
import type { PushSource } from './push-source.js';
import { refuseOthers } from './refuse-others.js';
import type { SinkReader } from './sink-reader.js';
import { Staff } from './staff.js';
import { type UpdateResult, Updater } from './updater.js';
import { withTimeout } from './with-timeout.js';

export interface PipelineOptions extends PlanOptions {
  /** A logger with the interface of pino. Without one, nothing is logged. */
  readonly logger?: Logger;
}

const POLL_MS = 100;
/** How long the workers may take to finish; longer than their operators may take to close. */
const LEAVE_MS = 7000;
/** How long a loop over an `iterate` sink may spend on one frame after the program has left the pipeline's block. */
const READER_PATIENCE_MS = 1000;

export type PipelineState = 'new' | 'starting' | 'running' | 'draining' | 'closing' | 'closed';

/**
 * A running pipeline. `start` resolves when every thread is ready and the sources run. `closed` resolves with the
 * report once the sources have ended (or `stop` was called), everything was delivered, and all threads have ended. The
 * report contains failures of the run (`ok: false`, `error`); `start` rejects with the error that prevented the start.
 */
export class Pipeline implements AsyncDisposable {
  readonly spec: PipelineSpec;
  /** The report of the run. Never rejects. */
  readonly closed: Promise<Report>;
  readonly #log: Logger;
  readonly #options: PipelineOptions;
  #state: PipelineState = 'new';
  #plan: Plan | undefined;
  #arena: ArenaViews | undefined;
  #counters: Counters | undefined;
  #staff: Staff | undefined;
  #updater: Updater | undefined;
  #metrics: MetricsServer | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #clock = new AwakeClock();
  #startedMs = 0;
  #endedMs: number | undefined;
  /** Why the start was cancelled. */
  #interruption: MillraceError | undefined;
  #rejectStart: (error: MillraceError) => void = () => {};
  #error: { readonly code: string; readonly message: string } | undefined;
  #undelivered: Record<string, number> | undefined;
  #deadline: { at: number; progress: number; absolute: boolean } | undefined;
  readonly #connectors: Connectors;
  readonly #firstDeaths = new FirstDeaths();
  readonly #ended = new Set<string>();
  /** Warnings already given to the author of an operator. */
  readonly #hints = new Set<string>();
  #resolveClosed: (report: Report) => void = () => {};

  constructor(spec: PipelineSpec, options: PipelineOptions = {}) {
    this.spec = spec;
    this.#options = options;
    this.#log = options.logger ? redacting(options.logger) : SILENT;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#connectors = new Connectors(spec, {
      ended: (name) => this.#onEnded(name),
      ending: () => {
        if (this.#state === 'running') this.#setDeadline(false);
      },
      died: (thread, error, fatal) => {
        if (this.#isGivenUp) return;
        if (fatal) this.#fail(fatal);
        else this.#staff!.supervisor.died(thread, error);
      },
      failed: (error, code) => this.#fail(error, code),
      log: (message) => this.#onLog(message),
    });
  }

  /** The program's end of a source of type `push`. */
  source(name: string): PushSource {
    return this.#connectors.source(name);
  }

  /** The program's end of a sink of type `iterate`: `for await (const frame of pipeline.sink('out'))`. */
  sink(name: string): SinkReader {
    return this.#connectors.sink(name);
  }

  /**
   * Starts, once; `signal` stops the run as `stop()` does. Rejects with the error that prevented the start, or with
   * ERR_CLOSED if `signal` did.
   */
  async start(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    refuseOthers('start()', options, ['signal']);
    if (this.#state !== 'new') throw new MillraceError('ERR_STATE', 'a pipeline can start only once');
    this.#state = 'starting';
    const { signal } = options;
    const onAbort = (): void => void this.stop();
    signal?.addEventListener('abort', onAbort, { once: true });
    const interrupted = new Promise<never>((_, reject) => {
      this.#rejectStart = reject;
    });
    try {
      if (signal?.aborted) throw stoppedBefore(signal);
      // Nodes that are still opening when the start is interrupted see it and end on their own.
      await Promise.race([this.#open(), interrupted]);
      if (this.#interruption) throw this.#interruption;
    } catch (error) {
      signal?.removeEventListener('abort', onAbort);
      const known = asMillraceError(error, 'ERR_STATE');
      this.#error = { code: known.code, message: known.message };
      await this.#close();
      throw signal?.aborted && known.code === 'ERR_CLOSED' ? stoppedBefore(signal) : error;
    }
    this.#state = 'running';
    this.#startedMs = performance.now();
    this.#connectors.run();
    this.#timer = setInterval(() => this.#poll(), POLL_MS);
    if (this.#error) {
      this.#log.error({ code: this.#error.code }, this.#error.message);
      this.#giveUp();
    }
  }

  async #open(): Promise<void> {
    const { plan, tables, stages } = await makePlan(this.spec, this.#options);
    if (this.#isOver) return;
    const memory = createArena(plan.bytes);
    this.#plan = plan;
    this.#arena = viewArena(memory);
    formatArena(memory, plan);
    if (plan.deadLetters) {
      const { directory, files } = plan.deadLetters;
      this.#arena.words[files >>> 2] = openLetterDirectory(directory, this.spec.deadLetters?.place);
    }
    for (const { address, array } of tables)
      this.#arena.bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), address);
    const staff = new Staff(
      { memory, plan, baseDir: this.spec.baseDir, log: this.#log, fault: this.#options.fault },
      {
        ended: (stage) => this.#onEnded(stage),
        recovered: (thread) => {
          if (!this.#isGivenUp) this.#connectors.replace(thread);
        },
        failed: (error) => this.#fail(error),
        log: (message) => this.#onLog(message),
      },
    );
    this.#staff = staff;
    const isRunning = (): boolean => this.#state === 'running' || this.#state === 'draining';
    this.#updater = new Updater({ memory, plan, spec: this.spec, stages, log: this.#log, isRunning });
    this.#counters = new Counters(this.#arena, plan, (source) => staff.supervisor.partialsLost(source));
    const { metrics } = this.spec;
    if (metrics) {
      this.#metrics = new MetricsServer({
        port: metrics.port,
        ...(metrics.host ? { host: metrics.host } : {}),
        text: () => this.#metricsText(),
        ready: () => this.#state === 'running',
      });
      await this.#metrics.open();
      if (this.#isOver) {
        await this.#metrics.close();
        return;
      }
    }
    await Promise.all([...staff.open(), ...this.#connectors.open(memory, plan)]);
  }

  #metricsText(): string {
    const { buffer } = this.#arena!;
    const latencies = Object.fromEntries(this.#plan!.sinks.map(({ name, histogram }) => [name, cumulate(buffer, histogram)]));
    return metricsText(this.report(), { latencies, queueDepth: this.progress().queueDepth, version: VERSION });
  }

  #interrupt(error: MillraceError): void {
    this.#interruption ??= error;
    this.#rejectStart(error);
  }

  get #isOver(): boolean {
    return this.#state === 'closing' || this.#state === 'closed';
  }

  /**
   * No thread gets a successor any more. While a run closes normally, a source still needs a thread to count
   * settlements.
   */
  get #isGivenUp(): boolean {
    return this.#state === 'closed' || (this.#state === 'closing' && this.#error !== undefined);
  }

  /**
   * The outcome of each of the first frames of a source, once the run is over; undefined for a frame that was not
   * settled. At most 65536 are known.
   */
  outcomes(source: string, count: number): (OutcomeName | undefined)[] {
    const node = this.#plan?.sources.find(({ name }) => name === source);
    return Array.from({ length: count }, (_, i) => node && this.#counters?.outcomeOf(node, this.#plan!.startOrdinal + i));
  }

  /** The current state of edges, pools and threads, as text: for debugging a run that makes no progress. */
  arenaState(): string[] {
    return this.#arena && this.#plan && this.#counters ? arenaState(this.#arena, this.#plan, this.#counters) : [];
  }

  /** Regions that were overrun, in a run with `guards`, as text. */
  guardDamage(): string[] {
    return this.#arena && this.#plan ? guardDamage(this.#arena, this.#plan) : [];
  }

  /** How long the other threads were paused, by recovery, in milliseconds. */
  get recoveryPausesMs(): readonly number[] {
    return this.#staff?.supervisor.pausesMs ?? [];
  }

  /**
   * Terminates the thread of a source or sink at any point, as a crash would: for tests. Returns whether there was one.
   */
  terminateThread(name: string): boolean {
    return this.#connectors.terminate(name);
  }

  /** Terminates the thread of a worker at any point, as a crash would: for tests. Returns whether there was one. */
  terminateWorker(stage: string, worker: number): boolean {
    return this.#staff?.terminate(stage, worker) ?? false;
  }

  #onLog(message: Extract<FromThread, { kind: 'log' }>): void {
    this.#firstDeaths.add(message);
    const { hint } = message.fields as { readonly hint?: unknown };
    if (hint !== undefined) {
      // Each worker would log it.
      const key = JSON.stringify(message.fields);
      if (this.#hints.has(key)) return;
      this.#hints.add(key);
    }
    this.#log[message.level](message.fields, message.message);
  }

  /** The series of a source as they close from now on; ends with the run. */
  series(source: string): AsyncGenerator<SeriesReport, void, undefined> {
    if (!Object.hasOwn(this.spec.sources, source)) throw new MillraceError('ERR_USAGE', `there is no source '${source}'`);
    return this.#connectors.series.follow(source, this.closed);
  }

  get state(): PipelineState {
    return this.#state;
  }

  /**
   * Begins a series of a source from outside. An open series is closed as `superseded`, and the call resolves with it.
   * Frames received from then on belong to the new series. `first`: the sender's number of its first frame; by default
   * that of the first frame that arrives. Rejects: ERR_USAGE (unknown source, invalid id or meta), ERR_STATE (not
   * running), ERR_CLOSED (the source's thread ended meanwhile).
   */
  startSeries(
    source: string,
    start: { readonly series: string | number; readonly expected?: number; readonly first?: number; readonly meta?: Meta },
  ): Promise<SeriesReport | undefined> {
    return this.#connectors.startSeries(source, start);
  }

  /**
   * Ends the open series of a source; with `series`, only if it is that series (else ERR_STATE). Resolves with its
   * report; rejects as `startSeries`.
   */
  endSeries(source: string, series?: string | number): Promise<SeriesReport> {
    return this.#connectors.endSeries(source, series);
  }

  /** A source, stage or sink has passed on its last frame. */
  #onEnded(name: string): void {
    if (this.#ended.has(name) || !this.#plan || this.#isOver) return;
    this.#ended.add(name);
    for (const edge of this.#plan.edges) {
      if (!edge.producers.every((producer) => this.#ended.has(producer))) continue;
      Atomics.store(this.#arena!.words, (edge.ring + RING.closed) >>> 2, 1);
      this.#wake(edge.consumerThreads);
    }
    if (this.#plan.sinks.every((sink) => this.#ended.has(sink.name))) void this.#close();
  }

  #wake(threads: readonly number[]): void {
    wakeThreads(
      this.#arena!.words,
      threads.map((thread) => this.#plan!.threads[thread]!.line + LINE.park),
    );
  }

  /** The run cannot continue. Frames in progress stay in flight and are reported as such. */
  #fail(error: MillraceError, code: string = error.code): void {
    if (this.#error) return;
    this.#error = { code, message: error.message };
    // During the start, the start rejects with it.
    if (this.#state !== 'starting') this.#log.error({ code }, error.message);
    if (this.#state === 'running' || this.#state === 'draining') this.#giveUp();
  }

  #giveUp(): void {
    this.#undelivered ??= this.#counters?.owedBySink() ?? {};
    void this.#close();
  }

  /**
   * A drain may take `drainMs`; a drain that began because the sources ended may be that long without progress. Time in
   * which the process was stopped does not count.
   */
  #setDeadline(absolute: boolean): void {
    this.#deadline = { at: this.#clock.tick() + this.spec.drainMs, progress: -1, absolute };
  }

  #poll(): void {
    const awakeMs = this.#clock.tick();
    this.#counters!.poll();
    this.#staff!.endStalled(awakeMs);
    const { drainMs } = this.spec;
    if (!this.#deadline || this.#state === 'closing') return;
    if (!this.#deadline.absolute) {
      const progress = this.#counters!.progress();
      if (progress !== this.#deadline.progress || this.#staff!.isAtWork(awakeMs))
        this.#deadline = { at: awakeMs + drainMs, progress, absolute: false };
    }
    if (awakeMs < this.#deadline.at) return;
    const owed = this.#counters!.owedBySink();
    const names = Object.entries(owed).map(([sink, frames]) => `${frames} frames for '${sink}'`);
    this.#undelivered = owed;
    this.#fail(
      new MillraceError(
        'ERR_DRAIN_DEADLINE',
        `the drain missed its deadline of ${drainMs} ms: ${names.length > 0 ? `${names.join(', ')} not delivered` : this.#unended()}`,
      ),
    );
  }

  /**
   * The node that delays the end of the run although nothing is owed, the first in order: the nodes after it wait for
   * it.
   */
  #unended(): string {
    const { sources, stages, sinks } = this.#plan!;
    const node = [...sources, ...stages, ...sinks].find(({ name }) => !this.#ended.has(name));
    return `everything was delivered, but '${node?.name}' does not end`;
  }

  /**
   * Stops the sources; with `drain` (the default), delivers everything received first. During the start nothing was
   * received: it cancels the start. Resolves with the report.
   */
  stop(options: { readonly drain?: boolean } = {}): Promise<Report> {
    if (options.drain === false) return this.abort();
    if (this.#state === 'running') {
      this.#state = 'draining';
      this.#setDeadline(true);
      this.#connectors.stopSources();
    } else if (this.#state === 'starting') this.#interrupt(stoppedBefore());
    else if (this.#state === 'new') void this.#close();
    return this.closed;
  }

  /**
   * Drains like `stop()` when the reader of the process's standard output has closed it: frames that sinks of type
   * `print` have not printed yet are dropped as `unread`. The program sees this as EPIPE on its `process.stdout`.
   */
  outputGone(): Promise<Report> {
    this.#connectors.readerGone();
    return this.stop();
  }

  /** Ends now. Frames in progress stay in flight and are reported as such. */
  abort(): Promise<Report> {
    if (this.#state === 'starting') {
      this.#interrupt(new MillraceError('ERR_CLOSED', 'the run was aborted during its start'));
      return this.closed;
    }
    if (this.#state === 'running' || this.#state === 'draining') {
      this.#undelivered ??= this.#counters?.owedBySink() ?? {};
      this.#error ??= { code: 'ERR_CLOSED', message: 'the run was aborted' };
    }
    void this.#close();
    return this.closed;
  }

  /**
   * Changes the parameters of an operator of a stage while the pipeline runs. `operator` is its number in the stage, or
   * its type if the stage has it once; `params` are all parameters, as in the file. Resolves when every frame that a
   * worker takes from now on uses them; no frame is lost. Rejects with ERR_CONFIG_* (from the checks), ERR_USAGE (no
   * such stage or operator) or ERR_STATE (not running), and then changes nothing. If `signal` ends the wait for workers
   * that are still processing a frame, the new parameters stay in force.
   */
  async update(
    stage: string,
    operator: string | number,
    params: Record<string, unknown>,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<UpdateResult> {
    if (!this.#updater) throw new MillraceError('ERR_STATE', 'parameters can change only while the pipeline runs');
    return this.#updater.update(stage, operator, params, options.signal);
  }

  /** Counts so far; unsynchronised during the run, exact at rest. */
  progress(): Progress {
    const total = { received: 0, delivered: 0, dropped: 0, dead: 0, inFlight: 0, bytes: 0, queueDepth: 0 };
    if (!this.#plan || !this.#counters) return total;
    if (this.#state !== 'closed') this.#counters.poll();
    const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((all, n) => all + n, 0);
    for (const source of this.#plan.sources) {
      const ledger = this.#counters.ledger(source);
      total.received += ledger.received;
      total.delivered += ledger.delivered;
      total.dropped += sum(ledger.dropped);
      total.dead += sum(ledger.dead);
      total.inFlight += ledger.inFlight;
      total.bytes += ledger.bytes;
    }
    for (const edge of this.#plan.edges) total.queueDepth += this.#counters.depth(edge);
    const { waiting } = this.#connectors.waits;
    return waiting.length > 0 ? { ...total, waiting } : total;
  }

  /** Frames that wait before each stage and sink; none before the run has started. */
  queues(): QueueDepth[] {
    if (!this.#plan || !this.#counters) return [];
    const sources = this.#plan.sources.length;
    const queues = new Map<string, QueueDepth>();
    for (const edge of this.#plan.edges) {
      const { frames = 0, capacity = 0 } = queues.get(edge.node) ?? {};
      queues.set(edge.node, {
        node: edge.node,
        frames: frames + this.#counters.depth(edge),
        capacity: capacity + (edge.kind === 'fifo' ? edge.limit : edge.cells * sources),
      });
    }
    return [...queues.values()];
  }

  /**
   * The next frame that a sink writes, in a few numbers, if it is a profile: one dimension, or a table with `columns`.
   * Undefined if it is not, or if no frame arrives within `waitMs`.
   */
  async profile(sink: string, waitMs: number): Promise<ProfileSample | undefined> {
    if (!Object.hasOwn(this.spec.sinks, sink)) throw new MillraceError('ERR_USAGE', `there is no sink '${sink}'`);
    return withTimeout(this.#connectors.sample(sink), waitMs);
  }

  /** The current report. */
  report(sequences: ReadonlyMap<string, SequenceVerdict> = new Map()): Report {
    const durationS = this.#startedMs ? ((this.#endedMs ?? performance.now()) - this.#startedMs) / 1e3 : 0;
    if (!this.#plan || !this.#counters || !this.#arena) {
      return emptyReport(this.spec, durationS, this.#error);
    }
    this.#counters.poll();
    return buildReport({
      spec: this.spec,
      plan: this.#plan,
      arena: this.#arena,
      counters: this.#counters,
      sequences,
      durationS,
      error: this.#error,
      undelivered: this.#undelivered,
      series: this.#connectors.series.closed,
      unreadable: this.#connectors.unreadable.sources,
      late: this.#connectors.late,
      outageMs: (source) => this.#connectors.waits.outageMs(source),
      firstDeaths: this.#firstDeaths.list,
      isOver: this.#isOver,
      parameters: (stage) => this.#updater?.history(stage) ?? [],
      recoveries: (stage) => this.#staff!.supervisor.counts(stage),
      lostBy: (stage) => this.#staff!.supervisor.lostBy(stage),
    });
  }

  async #close(): Promise<void> {
    if (this.#isOver) return;
    this.#state = 'closing';
    let report: Report | undefined;
    try {
      report = await this.#settle();
      await this.#staff?.close();
      await this.#metrics?.close();
    } catch (thrown) {
      // A bug of ours. Whatever it is, the run ends and reports it.
      const { code, message } = asMillraceError(thrown, 'ERR_STATE', 'the run did not close cleanly');
      this.#log.error({ code, stack: thrown instanceof Error ? thrown.stack : undefined }, message);
      report ??= emptyReport(this.spec, 0, { code, message });
    }
    this.#state = 'closed';
    this.#resolveClosed(report);
  }

  /** Ends everything in progress, counts the settlements, and makes the report. */
  async #settle(): Promise<Report> {
    if (this.#error && this.#arena && this.#plan) {
      Atomics.store(this.#arena.words, CONTROL.phase >> 2, PHASE.abort);
      this.#wake(this.#plan.threads.map(({ thread }) => thread));
      this.#connectors.abort();
    }
    const sequences = await this.#connectors.settle();
    clearInterval(this.#timer);
    this.#endedMs = performance.now();
    if (this.#staff) await withTimeout(this.#staff.leave(), LEAVE_MS);
    // Partials that the workers left are in no result.
    if (this.#staff?.hasLeft) this.#staff.supervisor.loseHeld();
    // Frames that a sink accepted and its client still takes count too.
    await this.#connectors.close().catch((thrown: unknown) => {
      const { code, message } = asMillraceError(thrown, 'ERR_STATE', 'a source or sink did not close cleanly');
      this.#log.error({ code, stack: thrown instanceof Error ? thrown.stack : undefined }, message);
    });
    if (this.#undelivered) this.#undelivered = this.#counters?.owedBySink() ?? {}; // More may have arrived since it was given up.
    return this.report(sequences);
  }

  /**
   * Leaving the block of `await using`, also by an exception, drains like `stop()`, but does not wait for a missing
   * reader: the frames of an `iterate` sink without an open loop, or whose loop requests nothing for a second, are
   * refused.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.stop();
    this.#connectors.leaveReaders(READER_PATIENCE_MS);
    await closed;
  }
}

function stoppedBefore(signal?: AbortSignal): MillraceError {
  return new MillraceError('ERR_CLOSED', 'stopped before the run began', { cause: signal?.reason });
}
