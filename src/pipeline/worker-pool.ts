import { once } from 'node:events';
import { MessageChannel, type Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { FromThread, OperatorTask, ThreadError } from '../agents/thread-messages.js';

/** How a lease ended: the loop came to its end, or threw and its thread lives, or the thread is gone. */
export type LeaseEnd =
  | { readonly kind: 'done' }
  | { readonly kind: 'threw'; readonly error: ThreadError }
  | { readonly kind: 'died'; readonly error: ThreadError };

/** The operator workers of a pipeline: as many threads as workers, each with one task that lasts as long as the run. */
export class WorkerPool {
  readonly #pool: Piscina;
  /** The pool's worker by thread of the plan. */
  readonly #workers = new Map<number, Worker>();
  readonly #terminated = new WeakSet<object>();

  constructor(workers: number) {
    this.#pool = new Piscina({
      filename: new URL('../../workers/operator.js', import.meta.url).href,
      minThreads: workers,
      maxThreads: workers,
      idleTimeout: Number.POSITIVE_INFINITY,
      maxQueue: workers,
      concurrentTasksPerWorker: 1,
      // 'sync' would freeze the event loop of an idle worker.
      atomics: 'disabled',
      recordTiming: false,
    });
  }

  /**
   * Leases a worker of the pool to a stage. `listen` hears what it says. Never rejects; when it says that the thread died,
   * nothing of it runs any more.
   */
  async lease(data: Omit<OperatorTask, 'worker' | 'port'>, worker: number, listen: (message: FromThread) => void): Promise<LeaseEnd> {
    const { port1, port2 } = new MessageChannel();
    const gone = once(port1, 'close');
    port1.on('message', (message: FromThread) => {
      if (message.kind === 'ready') {
        const found = this.#pool.threads.find(({ threadId }) => threadId === message.threadId);
        if (found) this.#workers.set(data.thread, found);
      }
      listen(message);
    });
    const task: OperatorTask = { ...data, worker, port: port2 };
    try {
      const error = (await this.#pool.run(task, { transferList: [port2] })) as ThreadError | undefined;
      return error ? { kind: 'threw', error } : { kind: 'done' };
    } catch (error) {
      await gone; // the thread's end of the line is closed last
      const { message, stack } = error instanceof Error ? error : new Error(String(error));
      return { kind: 'died', error: { code: 'ERR_WORKER', message, stack } };
    } finally {
      this.#workers.delete(data.thread);
      port1.close();
    }
  }

  /**
   * Ends the thread of a worker, wherever it is; its lease then says so. Whether there was one that was not being ended: one
   * that collects garbage takes seconds to end, and is asked once.
   */
  terminate(thread: number): boolean {
    const worker = this.#workers.get(thread);
    if (!worker || this.#terminated.has(worker)) return false;
    this.#terminated.add(worker);
    void worker.terminate();
    return true;
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}
