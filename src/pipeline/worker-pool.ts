import { MessageChannel } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { FromThread, OperatorTask, ThreadData } from '../agents/thread-messages.js';

/** The operator workers of a pipeline: as many threads as workers, each with one task that lasts as long as the run. */
export class WorkerPool {
  readonly #pool: Piscina;

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

  /** Leases a thread to a worker of a stage. `listen` hears what it says; the promise is its lease. */
  lease(data: ThreadData, worker: number, listen: (message: FromThread) => void): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    port1.on('message', listen);
    const task: OperatorTask = { ...data, worker, port: port2 };
    return this.#pool.run(task, { transferList: [port2] }).finally(() => port1.close());
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}
