import { Worker } from 'node:worker_threads';
import type {
  EgressThreadData,
  FromThread,
  IngressThreadData,
  SeriesCommand,
  ThreadError,
  ToThread,
} from '../agents/thread/thread-messages.js';
import { ERRORS, type ErrorCode, MillraceError } from '../errors/errors.js';
import { packageFile } from '../memory/package-file.js';
import type { ProfileSample } from '../observe/profile-sample.js';
import type { SeriesReport } from '../observe/report.js';
import type { SequenceVerdict } from '../observe/sequence-verdict.js';
import { afterAwake } from './awake-clock.js';
import { thrownByThread } from './thrown-by-thread.js';

/** How long a thread may take to exit once its source or sink is closed. */
const EXIT_MS = 2000;

export interface ThreadEvents {
  ended(): void;
  /** For a source: it has read its last message. */
  ending(): void;
  series(report: SeriesReport): void;
  waiting(what: Extract<FromThread, { kind: 'waiting' }>): void;
  late(what: Extract<FromThread, { kind: 'late' }>): void;
  unreadable(what: Extract<FromThread, { kind: 'unreadable' }>): void;
  failed(error: ThreadError): void;
  /** The thread has ended without a request to close. None of its code runs any more. */
  died(error: ThreadError): void;
  log(message: Extract<FromThread, { kind: 'log' }>): void;
}

/**
 * The main thread's side of an ingress or egress thread. It is closed by message, and terminated only when it does not
 * answer.
 */
export class ThreadHandle {
  readonly ready: Promise<void>;
  readonly closed: Promise<void>;
  #worker: Worker;
  #ended = false;
  #ending = false;
  #isClosing = false;
  #isGone = false;
  #isOpen = false;
  #requests = 0;
  #cancel = (): void => {};
  readonly #asked = new Map<number, { resolve(report: SeriesReport | undefined): void; reject(error: Error): void }>();
  #sample: { readonly promise: Promise<ProfileSample | undefined>; resolve(profile: ProfileSample | undefined): void } | undefined;
  #settled: ((sequences: SequenceVerdict | undefined) => void) | undefined;

  constructor(
    readonly name: string,
    role: 'ingress' | 'egress',
    data: IngressThreadData | EgressThreadData,
    events: ThreadEvents,
  ) {
    const worker = new Worker(packageFile(`src/threads/${role}.js`), {
      workerData: data,
      transferList: data.port ? [data.port] : [],
      name: `millrace ${role} ${name}`,
    });
    this.#worker = worker;
    let opened: () => void = () => {};
    let refused: (error: ThreadError) => void = () => {};
    this.ready = new Promise((resolve, reject) => {
      opened = resolve;
      refused = ({ code, message }) => {
        const known = code in ERRORS ? (code as ErrorCode) : role === 'ingress' ? 'ERR_SOURCE' : 'ERR_SINK';
        reject(new MillraceError(known, message, data.spec.place && { place: data.spec.place }));
      };
    });
    this.ready.catch(() => {}); // The caller that starts the pipeline awaits it; until then it must not count as unhandled.
    const fail = (error: ThreadError): void => {
      refused(error);
      events.failed(error);
    };
    worker.on('message', (message: FromThread) => {
      if (message.kind === 'ready') {
        this.#isOpen = true;
        opened();
      } else if (message.kind === 'ended') {
        this.#ended = true;
        events.ended();
      } else if (message.kind === 'ending') {
        this.#ending = true;
        events.ending();
      } else if (message.kind === 'series') events.series(message.report);
      else if (message.kind === 'waiting') events.waiting(message);
      else if (message.kind === 'late') events.late(message);
      else if (message.kind === 'unreadable') events.unreadable(message);
      else if (message.kind === 'series-done') this.#answered(message);
      else if (message.kind === 'settled') this.#settled?.(message.sequences);
      else if (message.kind === 'sample') this.#hasSampled(message.profile);
      else if (message.kind === 'failed') fail(message.error);
      else if (message.kind === 'closed') this.#hasClosed();
      else if (message.kind === 'log') events.log(message);
    });
    let cause: ThreadError | undefined;
    worker.on('error', (thrown: unknown) => {
      const { message, stack } = thrownByThread(thrown);
      cause = { code: 'ERR_WORKER', message: `the ${role} thread of '${name}' died: ${message}`, stack };
    });
    this.closed = new Promise((resolve) => {
      worker.on('exit', (code) => {
        this.#isGone = true;
        this.#settled?.(undefined);
        this.#hasSampled(undefined);
        for (const { reject } of this.#asked.values()) reject(new MillraceError('ERR_CLOSED', `the thread of '${name}' ended meanwhile`));
        this.#asked.clear();
        resolve();
        if (this.#isClosing) {
          // Nothing is lost: everything that it had taken was settled. Still, the error indicates a fault.
          if (cause)
            events.log({ kind: 'log', level: 'warn', fields: { stack: cause.stack }, message: `${cause.message} (during its close)` });
          return;
        }
        const error = cause ?? { code: 'ERR_WORKER', message: `the ${role} thread of '${name}' died: it exited with ${code}` };
        refused(error);
        events.died(error);
      });
    });
  }

  /** Terminates the thread at any point, as a crash would. */
  terminate(): void {
    void this.#worker.terminate();
  }

  /** A source has read its last message. */
  get ending(): boolean {
    return this.#ending || this.#ended;
  }

  /** Its source or sink was opened. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  say(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  /** Begins or ends a series; rejects with the error from the thread, or with ERR_CLOSED when the thread ends first. */
  command(what: Pick<SeriesCommand, 'start' | 'end'>): Promise<SeriesReport | undefined> {
    if (this.#isGone || this.#isClosing) return Promise.reject(new MillraceError('ERR_CLOSED', `the thread of '${this.name}' has ended`));
    return new Promise((resolve, reject) => {
      const request = ++this.#requests;
      this.#asked.set(request, { resolve, reject });
      this.say({ kind: 'series-command', request, ...what });
    });
  }

  #answered({ request, report, error }: Extract<FromThread, { kind: 'series-done' }>): void {
    const asked = this.#asked.get(request);
    this.#asked.delete(request);
    if (!error) asked?.resolve(report);
    else asked?.reject(new MillraceError(error.code in ERRORS ? (error.code as ErrorCode) : 'ERR_SOURCE', error.message));
  }

  /** Asks an ingress to sweep until everything is settled; undefined when the thread has ended. */
  settle(): Promise<SequenceVerdict | undefined> {
    if (this.#isGone) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#settled = resolve;
      this.say('settle');
    });
  }

  /**
   * Asks a sink for the next frame that it writes, as a profile; undefined when the frame is not a profile, or the
   * thread has ended.
   */
  sample(): Promise<ProfileSample | undefined> {
    if (this.#isGone) return Promise.resolve(undefined);
    if (!this.#sample) {
      let resolve: (profile: ProfileSample | undefined) => void = () => {};
      const promise = new Promise<ProfileSample | undefined>((fulfil) => {
        resolve = fulfil;
      });
      this.#sample = { promise, resolve };
      this.say('sample');
    }
    return this.#sample.promise;
  }

  #hasSampled(profile: ProfileSample | undefined): void {
    this.#sample?.resolve(profile);
    this.#sample = undefined;
  }

  /** Closes by message, and by termination after `patienceMs`. */
  async close(patienceMs: number): Promise<void> {
    this.#isClosing = true;
    this.say('close');
    this.#cancel = afterAwake(patienceMs, () => void this.#worker.terminate());
    await this.closed;
    this.#cancel();
  }

  /**
   * Its source or sink is closed. Anything that still keeps the thread alive, such as unread text, need not be waited
   * for.
   */
  #hasClosed(): void {
    this.#cancel();
    this.#cancel = afterAwake(EXIT_MS, () => void this.#worker.terminate());
    if (this.#isGone) this.#cancel();
  }
}
