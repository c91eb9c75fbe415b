import { once } from 'node:events';
import { MessageChannel, type Worker } from 'node:worker_threads';
import type { Piscina } from 'piscina';
import type { FromThread, OperatorTask, TaskResult, ThreadError } from '../agents/thread/thread-messages.js';
import { packageFile, requireDependency } from '../memory/package-file.js';
import { thrownByThread } from './thrown-by-thread.js';

/** How a lease ended: the loop finished, or threw and its thread lives, or the thread ended. */
export type LeaseEnd =
  | { readonly kind: 'done' }
  | { readonly kind: 'threw'; readonly error: ThreadError }
  | { readonly kind: 'died'; readonly error: ThreadError };

/** The operator workers of a pipeline: one thread per worker, each with one task that lasts as long as the run. */
export class WorkerPool {
  readonly #pool: Piscina;
  /** The pool's worker by thread of the plan. */
  readonly #workers = new Map<number, Worker>();
  /** Why a worker was terminated. */
  readonly #terminated = new WeakMap<Worker, string>();
  /** The stage in which a worker was last. */
  readonly #stages = new WeakMap<Worker, string>();
  /** The worker whose error is being handled. */
  #failing: Worker | undefined;

  /**
   * `idleFailed`: a thread without a lease failed; nothing waits for it. `stage`: the last stage that it worked for.
   */
  constructor(workers: number, idleFailed: (error: ThreadError, stage: string | undefined) => void) {
    // Piscina starts its threads from a file of its own, which a bundle would not contain.
    const { Piscina } = requireDependency<typeof import('piscina')>('piscina');
    this.#pool = new Piscina({
      filename: packageFile('src/threads/operator.js').href,
      minThreads: workers,
      maxThreads: workers,
      idleTimeout: Number.POSITIVE_INFINITY,
      maxQueue: workers,
      concurrentTasksPerWorker: 1,
      // 'sync' would block the event loop of an idle worker.
      atomics: 'disabled',
      recordTiming: false,
    });
    // An error of a thread without a task. Without a listener it would end the process.
    this.#pool.on('error', (thrown: unknown) => idleFailed(thrownByThread(thrown), this.#failing && this.#stages.get(this.#failing)));
  }

  /**
   * Leases a worker of the pool to a stage. `listen` receives its messages. Never rejects; when the result says that
   * the thread died, none of its code runs any more.
   */
  async lease(data: Omit<OperatorTask, 'worker' | 'port'>, worker: number, listen: (message: FromThread) => void): Promise<LeaseEnd> {
    const { port1, port2 } = new MessageChannel();
    const gone = once(port1, 'close');
    let found: Worker | undefined;
    port1.on('message', (message: FromThread) => {
      if (message.kind === 'making' && !found) {
        found = this.#pool.threads.find(({ threadId }) => threadId === message.threadId);
        if (found) this.#assign(found, data.thread, data.name);
      }
      listen(message);
    });
    const task: OperatorTask = { ...data, worker, port: port2 };
    let result: TaskResult | null = null;
    let thrown: unknown = null;
    try {
      // A thread that throws null ends with null here, as if that were its result.
      result = (await this.#pool.run(task, { transferList: [port2] })) as TaskResult | null;
    } catch (error) {
      thrown = error;
    }
    this.#workers.delete(data.thread);
    if (result) {
      port1.close();
      return result.error ? { kind: 'threw', error: result.error } : { kind: 'done' };
    }
    await gone; // The thread's end of the channel is closed last.
    const reason = found && this.#terminated.get(found);
    return { kind: 'died', error: reason === undefined ? thrownByThread(thrown) : { code: 'ERR_WORKER', message: reason } };
  }

  #assign(found: Worker, thread: number, stage: string): void {
    this.#workers.set(thread, found);
    if (!this.#stages.has(found)) {
      found.prependListener('error', () => {
        this.#failing = found;
      });
    }
    this.#stages.set(found, stage);
  }

  /**
   * Terminates the thread of a worker at any point; its lease then ends with the reason. Returns whether there was one
   * that was not being terminated already: a thread that collects garbage takes seconds to end, and is asked once.
   */
  terminate(thread: number, reason: string): boolean {
    const worker = this.#workers.get(thread);
    if (!worker || this.#terminated.has(worker)) return false;
    this.#terminated.set(worker, reason);
    void worker.terminate();
    return true;
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}
