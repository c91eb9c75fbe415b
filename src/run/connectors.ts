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

/** How long a thread may take to close once it was asked to. */
const CLOSE_MS = 5000;
/** A sink lingers: what its client accepted is still to be sent (30 s at most with zmq). */
const CLOSE_SINK_MS = 35_000;

/** How often a source without a thread is looked at, until it has a successor. */
const LOOK_MS = 5;

/** How often in a row the thread of a source or sink may die before it did anything. */
const MAX_STILLBORN = 10;

export interface ConnectorsEvents {
  /** A source or sink has handed on its last frame. */
  ended(name: string): void;
  /** Every source has read its last message. */
  ending(): void;
  /** A thread is gone. `fatal`: its type cannot start anew; else, once what it held is with others, `replace` it. */
  died(thread: number, error: ThreadError, fatal: MillraceError | undefined): void;
  /** The run cannot go on. `code` where it is not the error's own. */
  failed(error: MillraceError, code?: string): void;
  log(message: Extract<FromThread, { kind: 'log' }>): void;
}

/** The threads of the sources and sinks of a run, and the program's ends of those that it feeds or reads itself. */
export class Connectors {
  readonly series = new SeriesLog();
  readonly unreadable = new UnreadableLog();
  readonly waits = new WaitLog();
  /** By sink, what it had accepted and did not deliver, and what its peers were given. */
  readonly late = new Map<string, Extract<FromThread, { kind: 'late' }>>();
  readonly #spec: PipelineSpec;
  readonly #events: ConnectorsEvents;
  readonly #pushed = new Map<string, PushSource>();
  readonly #readers = new Map<string, SinkReader>();
  readonly #ingress: ThreadHandle[] = [];
  readonly #egress: ThreadHandle[] = [];
  #arena: { readonly memory: WebAssembly.Memory; readonly plan: Plan } | undefined;
  /** Of a source or sink: how often its thread died in a row before it could do anything. */
  readonly #stillborn = new Map<string, number>();
  /** Sources and sinks that have handed on their last frame. */
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

  /** Starts a thread for each. One promise a thread: it is ready, or never will be. */
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

  /** How many frames a source has received, modulo 2^32: a glance. */
  #received(name: string): number {
    const { memory, plan } = this.#arena!;
    const source = plan.sources.find((one) => one.name === name);
    return source ? receivedBy(new Int32Array(memory.buffer), plan, source) : 0;
  }

  /**
   * It starts anew where its type can, else the run is over. So it is when thread after thread of it dies in vain: a source
   * before it receives anything, a sink before it is open (a frame on which a sink dies has `attempts`). One that has come to
   * its end has nothing to do any more but, for a source, to count what is settled.
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

  /** The books of a series are its thread's own: a source that has begun one cannot go on without them. */
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
    // Behind an end the edges are closed: what a source received then would reach nothing.
    const task = hasEnded ? 'settle' : this.#isStopping ? 'finish' : 'run';
    const made = this.#hire(node, thread, role, task);
    threads[threads.findIndex(({ name }) => name === node)] = made;
    this.#vacant.delete(node);
    made.ready.then(
      () => {
        if (role === 'egress' && this.#isReaderGone) made.say('reader-gone');
        made.say('run');
        if (role === 'ingress' && this.#isStopping) made.say('stop'); // it may have begun since
      },
      () => {}, // it ended the run
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

  /** The reader of the process's standard output has gone. */
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

  /** The program reads no sink any more, or soon will not: see `SinkReader.leaveIfIdle`. */
  leaveReaders(patienceMs: number): void {
    for (const reader of this.#readers.values()) reader.leaveIfIdle(patienceMs);
  }

  /** The next frame that a sink writes, as a profile. */
  async sample(sink: string): Promise<ProfileSample | undefined> {
    return this.#egress.find(({ name }) => name === sink)?.sample();
  }

  /** Ends a thread, wherever it is, as a crash would. Whether there was one. */
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
    if (series !== undefined && !isSeriesId(series)) throw new MillraceError('ERR_USAGE', 'a series is a number or a short text');
    return (await this.#ingressOf(source).command(series === undefined ? {} : { end: series }))!;
  }

  #ingressOf(source: string): ThreadHandle {
    if (!Object.hasOwn(this.#spec.sources, source)) throw new MillraceError('ERR_USAGE', `there is no source '${source}'`);
    const thread = this.#ingress.find(({ name }) => name === source);
    if (!this.#isRunning || this.#isStopping || !thread) throw new MillraceError('ERR_STATE', 'the pipeline is not at work');
    return thread;
  }

  /** Waits until the sources have counted what is settled. What their senders' numbers say, by source. */
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

  /** Its thread may die meanwhile: then its successor counts what is settled. */
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
