import { setTimeout as delay } from 'node:timers/promises';
import type { FromThread, SourceTask, ThreadError } from '../agents/thread/thread-messages.js';
import { isSeriesId, readSeriesMessage } from '../codecs/message-header.js';
import { runName } from '../egress/file/path-template.js';
import { MillraceError } from '../errors/errors.js';
import type { Meta } from '../frame/frame.js';
import type { SeriesMessage } from '../frame/series.js';
import type { ProfileSample } from '../observe/profile-sample.js';
import type { SeriesReport } from '../observe/report.js';
import type { SequenceVerdict } from '../observe/sequence-verdict.js';
import type { Plan, SourceNode } from '../plan/plan-types.js';
import { lastSeries } from '../plan/series-table.js';
import { LEDGER, LINE, SOURCE } from '../ring/ring-layout.js';
import type { PipelineSpec } from '../spec/spec.js';
import { PushSource } from './push-source.js';
import { SeriesLog } from './series-log.js';
import { SinkReader } from './sink-reader.js';
import { ThreadHandle } from './thread-handle.js';
import { UnreadableLog } from './unreadable-log.js';
import { WaitLog } from './wait-log.js';
import { withTimeout } from './with-timeout.js';

/** How long a thread may take to close on request. */
const CLOSE_MS = 5000;
/** A sink lingers: messages that its client accepted are still sent (for at most 30 s with zmq). */
const CLOSE_SINK_MS = 35_000;

/** How often to check a source without a thread until it has a successor. */
const LOOK_MS = 5;

/** How often in a row the thread of a source or sink may die before it made progress. */
const MAX_STILLBORN = 10;

export interface ConnectorsEvents {
  /** A source or sink has passed on its last frame. */
  ended(name: string): void;
  /** Every source has read its last message. */
  ending(): void;
  /**
   * A thread has ended. `fatal`: its type cannot restart; otherwise call `replace` when other threads have taken over
   * its frames.
   */
  died(thread: number, error: ThreadError, fatal: MillraceError | undefined): void;
  /** The run cannot continue. `code` if it differs from that of the error. */
  failed(error: MillraceError, code?: string): void;
  log(message: Extract<FromThread, { kind: 'log' }>): void;
}

/** The threads of the sources and sinks of a run, and the program's ends of those that it feeds or reads itself. */
export class Connectors {
  readonly series = new SeriesLog();
  readonly unreadable = new UnreadableLog();
  readonly waits = new WaitLog();
  /** By sink, frames that it accepted but did not deliver, and the messages sent to its peers. */
  readonly late = new Map<string, Extract<FromThread, { kind: 'late' }>>();
  readonly #spec: PipelineSpec;
  readonly #events: ConnectorsEvents;
  readonly #pushed = new Map<string, PushSource>();
  readonly #readers = new Map<string, SinkReader>();
  readonly #ingress: ThreadHandle[] = [];
  readonly #egress: ThreadHandle[] = [];
  #arena: { readonly memory: WebAssembly.Memory; readonly plan: Plan } | undefined;
  /** For a source or sink: how often in a row its thread died before it made progress. */
  readonly #stillborn = new Map<string, number>();
  /** Sources and sinks that have passed on their last frame. */
  readonly #finished = new Set<string>();
  /** Sources whose thread died and has no successor yet. */
  readonly #vacant = new Set<string>();
  #isAborted = false;
  #isRunning = false;
  #isStopping = false;
  #run = '';
  #isReaderGone = false;

  constructor(spec: PipelineSpec, events: ConnectorsEvents) {
    this.#spec = spec;
    this.#events = events;
    for (const [name, { type }] of Object.entries(spec.sources)) if (type === 'push') this.#pushed.set(name, new PushSource());
    for (const [name, { type }] of Object.entries(spec.sinks)) if (type === 'iterate') this.#readers.set(name, new SinkReader());
  }

  source(name: string): PushSource {
    const source = this.#pushed.get(name);
    if (!source) throw new MillraceError('ERR_USAGE', `'${name}' is not a source of type push`);
    return source;
  }

  sink(name: string): SinkReader {
    const reader = this.#readers.get(name);
    if (!reader) throw new MillraceError('ERR_USAGE', `'${name}' is not a sink of type iterate`);
    return reader;
  }

  /**
   * Starts a thread for each. Returns one promise per thread: it resolves when the thread is ready or never will be.
   */
  open(memory: WebAssembly.Memory, plan: Plan): Promise<void>[] {
    this.#arena = { memory, plan };
    this.#run = runName(new Date());
    for (const { name, thread } of plan.sinks) this.#egress.push(this.#hire(name, thread, 'egress'));
    for (const { name, thread } of plan.sources) this.#ingress.push(this.#hire(name, thread, 'ingress'));
    return this.#all.map(({ ready }) => ready);
  }

  get #all(): readonly ThreadHandle[] {
    return [...this.#egress, ...this.#ingress];
  }

  #hire(name: string, thread: number, role: 'ingress' | 'egress', task: SourceTask = 'run'): ThreadHandle {
    const receivedBefore = this.#received(name);
    const port = (this.#pushed.get(name) ?? this.#readers.get(name))?.threadPort;
    const needsPort = port !== undefined && task === 'run';
    const shared = { ...this.#arena!, thread, baseDir: this.#spec.baseDir, run: this.#run, name, ...(needsPort && { port }) };
    const data = role === 'ingress' ? { ...shared, task, spec: this.#spec.sources[name]! } : { ...shared, spec: this.#spec.sinks[name]! };
    const handle: ThreadHandle = new ThreadHandle(name, role, data, {
      died: (error) => this.#onDied(handle, thread, role, error, this.#received(name) !== receivedBefore),
      ended: () => {
        this.#finished.add(name);
        this.#events.ended(name);
      },
      ending: () => {
        if (this.#ingress.every(({ ending }) => ending)) this.#events.ending();
      },
      series: (report) => this.series.add(name, report),
      waiting: ({ addresses, waitedMs }) => this.waits.add(name, addresses, waitedMs),
      late: (what) => this.late.set(name, what),
      unreadable: (what) => this.unreadable.add(name, what),
      failed: (error) => this.#events.failed(failure(role, error), error.code),
      log: (message) => this.#events.log(message),
    });
    return handle;
  }

  /** Number of frames that a source has received, modulo 2^32; an unsynchronised read. */
  #received(name: string): number {
    const { memory, plan } = this.#arena!;
    const source = plan.sources.find((one) => one.name === name);
    return source ? receivedBy(new Int32Array(memory.buffer), plan, source) : 0;
  }

  /**
   * Restarts it if its type allows; otherwise the run is over. The run also ends when thread after thread dies without
   * progress: a source before it receives anything, a sink before it is open (a frame on which a sink dies has
   * `attempts`). A source or sink at its end has nothing left to do, except that a source still counts settlements.
   */
  #onDied(handle: ThreadHandle, thread: number, role: 'ingress' | 'egress', error: ThreadError, hasReceived: boolean): void {
    const { name } = handle;
    const inVain = role === 'ingress' ? !hasReceived : !handle.isOpen;
    const stillborn = inVain ? (this.#stillborn.get(name) ?? 0) + 1 : 0;
    this.#stillborn.set(name, stillborn);
    const restarts = this.#finished.has(name) || (role === 'egress' ? this.#sinkRestarts(name) : this.#sourceRestarts(name));
    if (this.#isRunning && restarts && stillborn < MAX_STILLBORN) {
      if (role === 'ingress' && !this.#isAborted) this.#vacant.add(name);
      this.#events.died(thread, error, undefined);
    } else {
      const often = stillborn >= MAX_STILLBORN ? ` (${stillborn} times in a row)` : '';
      this.waits.forget(name);
      this.#events.died(thread, error, failure(role, { ...error, message: `${error.message}${often}` }));
    }
  }

  #sinkRestarts(name: string): boolean {
    return this.#arena!.plan.sinks.find((sink) => sink.name === name)!.restarts;
  }

  /** The report of a series is in its thread's own memory: a source that has begun one cannot continue without it. */
  #sourceRestarts(name: string): boolean {
    const { memory, plan } = this.#arena!;
    const { series, restarts } = plan.sources.find((source) => source.name === name)!;
    if (!restarts || this.#spec.sources[name]!.options.series !== undefined) return false;
    return lastSeries(new Int32Array(memory.buffer), series) === 0;
  }

  replace(thread: number): void {
    const { node } = this.#arena!.plan.threads[thread]!;
    const role = Object.hasOwn(this.#spec.sinks, node) ? 'egress' : 'ingress';
    const threads = role === 'ingress' ? this.#ingress : this.#egress;
    const hasEnded = this.#finished.has(node);
    if (role === 'egress' && hasEnded) return;
    // After an end the edges are closed: frames that the source received then would reach no node.
    const task = hasEnded ? 'settle' : this.#isStopping ? 'finish' : 'run';
    const made = this.#hire(node, thread, role, task);
    threads[threads.findIndex(({ name }) => name === node)] = made;
    this.#vacant.delete(node);
    made.ready.then(
      () => {
        if (role === 'egress' && this.#isReaderGone) made.say('reader-gone');
        made.say('run');
        if (role === 'ingress' && this.#isStopping) made.say('stop'); // It may have begun since.
      },
      () => {}, // It ended the run.
    );
  }

  run(): void {
    this.#isRunning = true;
    if (this.#isReaderGone) this.readerGone();
    for (const thread of this.#all) thread.say('run');
  }

  stopSources(): void {
    this.#isStopping = true;
    for (const thread of this.#ingress) thread.say('stop');
  }

  /** The reader of the process's standard output has closed it. */
  readerGone(): void {
    this.#isReaderGone = true;
    for (const thread of this.#egress) thread.say('reader-gone');
  }

  abort(): void {
    this.#isStopping = true;
    this.#isAborted = true;
    this.#vacant.clear();
    for (const thread of this.#all) thread.say('abort');
  }

  /** The program no longer reads any sink, or soon will not: see `SinkReader.leaveIfIdle`. */
  leaveReaders(patienceMs: number): void {
    for (const reader of this.#readers.values()) reader.leaveIfIdle(patienceMs);
  }

  /** The next frame that a sink writes, as a profile. */
  async sample(sink: string): Promise<ProfileSample | undefined> {
    return this.#egress.find(({ name }) => name === sink)?.sample();
  }

  /** Terminates a thread at any point, as a crash would. Returns whether there was one. */
  terminate(name: string): boolean {
    const thread = this.#all.find((one) => one.name === name);
    thread?.terminate();
    return thread !== undefined;
  }

  async startSeries(
    source: string,
    start: { readonly series: string | number; readonly expected?: number; readonly first?: number; readonly meta?: Meta },
  ): Promise<SeriesReport | undefined> {
    let message: SeriesMessage | undefined;
    try {
      message = readSeriesMessage('series', { ...start, htype: 'series-start-1.0' });
    } catch (thrown) {
      throw new MillraceError('ERR_USAGE', thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });
    }
    return this.#ingressOf(source).command({ start: message! });
  }

  async endSeries(source: string, series?: string | number): Promise<SeriesReport> {
    if (series !== undefined && !isSeriesId(series)) throw new MillraceError('ERR_USAGE', 'a series must be a number or a short text');
    return (await this.#ingressOf(source).command(series === undefined ? {} : { end: series }))!;
  }

  #ingressOf(source: string): ThreadHandle {
    if (!Object.hasOwn(this.#spec.sources, source)) throw new MillraceError('ERR_USAGE', `there is no source '${source}'`);
    const thread = this.#ingress.find(({ name }) => name === source);
    if (!this.#isRunning || this.#isStopping || !thread) throw new MillraceError('ERR_STATE', 'the pipeline is not running');
    return thread;
  }

  /**
   * Waits until the sources have counted all settlements. Returns the verdicts from their senders' numbers, by source.
   */
  async settle(): Promise<Map<string, SequenceVerdict>> {
    this.#isStopping = true;
    const sequences = new Map<string, SequenceVerdict>();
    await Promise.all(
      this.#ingress.map(async ({ name }) => {
        const verdict = await withTimeout(this.#settleSource(name), CLOSE_MS);
        if (verdict) sequences.set(name, verdict);
      }),
    );
    return sequences;
  }

  /** Its thread may die meanwhile: then its successor counts the settlements. */
  async #settleSource(name: string): Promise<SequenceVerdict | undefined> {
    for (;;) {
      const verdict = await this.#ingress.find((thread) => thread.name === name)?.settle();
      if (verdict || !this.#vacant.has(name)) return verdict;
      while (this.#vacant.has(name)) await delay(LOOK_MS);
    }
  }

  async close(): Promise<void> {
    this.#isAborted = true;
    await Promise.all([
      ...this.#ingress.map((thread) => thread.close(CLOSE_MS)),
      ...this.#egress.map((thread) => thread.close(thread.isOpen ? CLOSE_SINK_MS : CLOSE_MS)),
    ]);
    for (const end of [...this.#pushed.values(), ...this.#readers.values()]) end.close();
  }
}

/** The word of the source's live bank. */
function receivedBy(words: Int32Array, plan: Plan, source: SourceNode): number {
  const record = Atomics.load(words, (plan.threads[source.thread]!.line + LINE.record) >>> 2);
  return words[(source.block + SOURCE.banks + ((record >>> 1) & 1) * SOURCE.bankBytes + 4 * LEDGER.received) >>> 2]!;
}

const failure = (role: 'ingress' | 'egress', { message }: ThreadError): MillraceError =>
  new MillraceError(role === 'ingress' ? 'ERR_SOURCE' : 'ERR_SINK', message);
