import type { FaultInjection } from '../agents/fault-injection.js';
import type { FromThread } from '../agents/thread-messages.js';
import { MillraceError } from '../errors/errors.js';
import type { Logger } from '../errors/logger.js';
import type { Plan } from './plan-types.js';
import { Supervisor } from './supervisor.js';
import { type LeaseEnd, WorkerPool } from './worker-pool.js';

/** So often in a row may a successor die before it is ready. */
const MAX_STILLBORN = 3;

export interface StaffEvents {
  /** All workers of a stage have come to their end. */
  ended(stage: string): void;
  /** What the thread of a source or sink held is with others; it may start anew. */
  recovered(thread: number): void;
  /** The run cannot go on. */
  failed(error: MillraceError): void;
  log(message: Extract<FromThread, { kind: 'log' }>): void;
}

export interface StaffOptions {
  readonly memory: WebAssembly.Memory;
  readonly plan: Plan;
  readonly baseDir: string;
  readonly log: Logger;
  readonly fault?: FaultInjection | undefined;
}

/** The operator workers of a run: hired at its start, replaced when they die, ended when they take too long for a frame. */
export class Staff {
  readonly supervisor: Supervisor;
  readonly #options: StaffOptions;
  readonly #events: StaffEvents;
  readonly #pool: WorkerPool | undefined;
  /** Leases of workers that go on. */
  readonly #leases = new Set<Promise<LeaseEnd>>();
  /** Workers of each stage that have not come to their end. */
  readonly #working = new Map<string, number>();
  /** Of each thread, successors that died one after the other before they were ready. */
  readonly #stillborn = new Map<number, number>();
  #isClosing = false;

  constructor(options: StaffOptions, events: StaffEvents) {
    const { memory, plan, log } = options;
    this.#options = options;
    this.#events = events;
    this.supervisor = new Supervisor(memory, plan, log, {
      recovered: (thread) => {
        const { node } = plan.threads[thread]!;
        if (plan.stages.some(({ name }) => name === node)) this.#replace(thread);
        else events.recovered(thread);
      },
      failed: (error) => events.failed(error),
    });
    const workers = plan.stages.reduce((sum, stage) => sum + stage.threads.length, 0);
    this.#pool = workers > 0 ? new WorkerPool(workers) : undefined;
  }

  /** One promise a worker: it is ready, or never will be. */
  open(): Promise<void>[] {
    return this.#options.plan.stages.flatMap((stage) => {
      this.#working.set(stage.name, stage.threads.length);
      return stage.threads.map((thread) => this.#hire(thread));
    });
  }

  /** Ends the threads that are at one frame for longer than their stage allows. */
  endStalled(): void {
    for (const stage of this.#options.plan.stages) {
      for (const thread of this.supervisor.stalled(stage, stage.stallMs)) {
        if (!this.#pool!.terminate(thread)) continue;
        const text = `a worker of stage '${stage.name}' is at one frame for more than ${stage.stallMs} ms: it is ended`;
        this.#options.log.warn({ stage: stage.name, thread }, text);
      }
    }
  }

  /** Ends the thread of a worker, as a crash would. Whether there was one. */
  terminate(stage: string, worker: number): boolean {
    const thread = this.#options.plan.stages.find(({ name }) => name === stage)?.threads[worker];
    return thread !== undefined && this.#pool!.terminate(thread);
  }

  /** From now on nobody is replaced. Resolves when all have come to their end. */
  async leave(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.#leases);
  }

  /** Whether no worker runs any more. */
  get hasLeft(): boolean {
    return this.#isClosing && this.#leases.size === 0;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#pool?.close();
  }

  /** Leases a worker to a thread of the plan. Resolves when it is ready; rejects when it never was. */
  #hire(thread: number): Promise<void> {
    const { memory, plan, baseDir, fault } = this.#options;
    const { node, index } = plan.threads[thread]!;
    return new Promise((resolve, reject) => {
      let isReady = false;
      const lease = this.#pool!.lease({ memory, plan, thread, baseDir, name: node, ...(fault ? { fault } : {}) }, index, (message) => {
        if (message.kind === 'ready') {
          isReady = true;
          this.#stillborn.set(thread, 0);
          resolve();
        } else if (message.kind === 'log') this.#events.log(message);
      });
      this.#leases.add(lease);
      void lease.then((end) => {
        this.#leases.delete(lease);
        if (end.kind === 'done') this.#done(node);
        else if (!isReady && !(end.kind === 'died' && this.#mayTryAgain(thread))) {
          const text = `a worker of stage '${node}' could not start: ${end.error.message}`;
          const error = new MillraceError('ERR_WORKER', text, { cause: end.error });
          reject(error);
          this.#events.failed(error);
        } else if (!this.#isClosing) this.supervisor.died(thread, end.error);
      });
    });
  }

  /** A successor that was killed while it started gets one of its own; the first of a thread does not. */
  #mayTryAgain(thread: number): boolean {
    const stillborn = this.#stillborn.get(thread);
    if (stillborn === undefined || stillborn >= MAX_STILLBORN) return false;
    this.#stillborn.set(thread, stillborn + 1);
    return true;
  }

  #done(stage: string): void {
    const left = this.#working.get(stage)! - 1;
    this.#working.set(stage, left);
    if (left === 0) this.#events.ended(stage);
  }

  #replace(thread: number): void {
    if (!this.#isClosing) this.#hire(thread).catch(() => {}); // it ended the run
  }
}
