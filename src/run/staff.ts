import type { FromThread, ThreadError } from '../agents/thread/thread-messages.js';
import { MillraceError } from '../errors/errors.js';
import type { Logger } from '../errors/logger.js';
import type { FaultInjection } from '../plan/fault-injection.js';
import type { Plan, StageNode } from '../plan/plan-types.js';
import { afterAwake } from './awake-clock.js';
import { Supervisor } from './supervisor.js';
import { type LeaseEnd, WorkerPool } from './worker-pool.js';

/** How often in a row a successor may die before it is ready. */
const MAX_STILLBORN = 3;
/** How long the operators of a worker that has passed on its last frame may take to close. */
const CLOSE_MS = 5000;

/** How long workers may still set up when the run ends: nothing depends on them. */
const SETUP_GRACE_MS = 1000;

export interface StaffEvents {
  /** All workers of a stage have finished. */
  ended(stage: string): void;
  /** Other threads have taken over the frames of a source or sink; its thread may restart. */
  recovered(thread: number): void;
  /** The run cannot continue. */
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

/**
 * The operator workers of a run: leased at its start, replaced when they die, terminated when they take too long for a
 * frame, to set up or to close.
 */
export class Staff {
  readonly supervisor: Supervisor;
  readonly #options: StaffOptions;
  readonly #events: StaffEvents;
  readonly #pool: WorkerPool | undefined;
  /** Leases of workers that continue. */
  readonly #leases = new Set<Promise<LeaseEnd>>();
  /** Workers of each stage that have not finished. */
  readonly #working = new Map<string, number>();
  /** For each thread, the number of successors in a row that died before they were ready. */
  readonly #stillborn = new Map<number, number>();
  /**
   * Threads that were terminated from outside: a termination before they were ready does not indicate a fault of their
   * operators.
   */
  readonly #drilled = new Set<number>();
  /** Threads whose workers are being set up. */
  readonly #settingUp = new Set<number>();
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
    this.#pool = workers > 0 ? new WorkerPool(workers, (error, stage) => this.#idleFailed(error, stage)) : undefined;
  }

  /** One promise per worker: it resolves when the worker is ready or never will be. */
  open(): Promise<void>[] {
    return this.#options.plan.stages.flatMap((stage) => {
      this.#working.set(stage.name, stage.threads.length);
      return stage.threads.map((thread) => this.#hire(thread));
    });
  }

  /** Whether a worker is processing a frame or setting up, within the time limit of its stage. */
  isAtWork(awakeMs: number): boolean {
    return this.#settingUp.size > 0 || this.#options.plan.stages.some((stage) => this.supervisor.isAtWork(stage, awakeMs));
  }

  /**
   * Terminates threads that spend more time on one frame than their stage allows. `awakeMs`: the time on the run's
   * awake clock.
   */
  endStalled(awakeMs: number): void {
    for (const stage of this.#options.plan.stages) {
      for (const thread of this.supervisor.stalled(stage, awakeMs))
        this.#end(thread, stage, `spent more than ${stage.stallMs} ms on one frame (stallMs)`);
    }
  }

  #end(thread: number, { name }: StageNode, what: string): boolean {
    const text = `a worker of stage '${name}' ${what}`;
    if (!this.#pool!.terminate(thread, text)) return false;
    this.#options.log.warn({ stage: name, thread }, `${text}: terminating its thread`);
    return true;
  }

  /** Terminates the thread of a worker, as a crash would. Returns whether there was one. */
  terminate(stage: string, worker: number): boolean {
    const thread = this.#options.plan.stages.find(({ name }) => name === stage)?.threads[worker];
    if (thread === undefined || !this.#pool!.terminate(thread, 'its thread was terminated from outside')) return false;
    this.#drilled.add(thread);
    return true;
  }

  /** From now on no worker is replaced. Resolves when all have finished. */
  async leave(): Promise<void> {
    this.#isClosing = true;
    const cancel = afterAwake(SETUP_GRACE_MS, () => {
      for (const thread of this.#settingUp) this.#pool!.terminate(thread, 'the run ended first');
    });
    await Promise.all(this.#leases);
    cancel();
  }

  /** Whether no worker runs any more. */
  get hasLeft(): boolean {
    return this.#isClosing && this.#leases.size === 0;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#pool?.close();
  }

  /** Leases a worker to a thread of the plan. Resolves when it is ready; rejects when it fails before. */
  #hire(thread: number): Promise<void> {
    const { memory, plan, baseDir, fault, log } = this.#options;
    const { node, index } = plan.threads[thread]!;
    const stage = plan.stages.find(({ name }) => name === node)!;
    return new Promise((resolve, reject) => {
      let isReady = false;
      let hasLeft = false;
      /** The number of times it announced that it creates operators, without having announced that they are ready. */
      let making = 0;
      const refuse = (cause: ThreadError): void => {
        const error = new MillraceError('ERR_WORKER', `a worker of stage '${node}' could not start: ${cause.message}`, { cause });
        reject(error);
        this.#events.failed(error);
      };
      const bound = (): (() => void) =>
        afterAwake(stage.setupMs, () => {
          const what = `took more than ${stage.setupMs} ms to set up its operators (setupMs)`;
          // A worker without a thread never gets one.
          if (!this.#end(thread, stage, what) && !isReady) refuse({ code: 'ERR_WORKER', message: 'its thread did not start' });
        });
      let cancel = bound();
      this.#settingUp.add(thread);
      const listen = (message: FromThread): void => {
        if (message.kind === 'making') {
          if (making++ > 0) return;
          cancel();
          cancel = bound();
          this.#settingUp.add(thread);
        } else if (message.kind === 'ready') {
          if (--making > 0) return;
          cancel();
          this.#settingUp.delete(thread);
          isReady = true;
          this.#stillborn.set(thread, 0);
          resolve();
        } else if (message.kind === 'left') {
          hasLeft = true;
          cancel = afterAwake(CLOSE_MS, () => this.#end(thread, stage, `took more than ${CLOSE_MS} ms to close its operators`));
          this.#done(node);
        } else if (message.kind === 'log') this.#events.log(message);
      };
      const lease = this.#pool!.lease({ memory, plan, thread, baseDir, name: node, ...(fault ? { fault } : {}) }, index, listen);
      this.#leases.add(lease);
      void lease.then((end) => {
        this.#leases.delete(lease);
        this.#settingUp.delete(thread);
        const isDrill = this.#drilled.delete(thread);
        cancel();
        if (end.kind === 'done') {
          if (!hasLeft) this.#done(node);
        } else if (hasLeft) log.warn({ stage: node, thread }, `a worker of stage '${node}' did not close cleanly: ${end.error.message}`);
        else if (this.#isClosing) {
          log.debug({ stage: node, thread }, `a worker of stage '${node}' ended while the run closed: ${end.error.message}`);
          reject(new MillraceError('ERR_CLOSED', 'the run ended first'));
        } else if (!isReady && !(end.kind === 'died' && this.#mayTryAgain(thread, isDrill))) refuse(end.error);
        else this.supervisor.died(thread, end.error);
      });
    });
  }

  /**
   * Something that an operator left behind (a timer, a promise) failed without an active lease in its thread: no frame
   * is affected.
   */
  #idleFailed({ message, stack }: ThreadError, stage: string | undefined): void {
    const text = stage === undefined ? 'an idle worker thread failed' : `an operator of stage '${stage}' failed after its last frame`;
    this.#options.log.error({ ...(stage !== undefined && { stage }), stack }, `${text}: ${message}`);
  }

  /** A successor that was killed during its start is replaced; the first worker of a thread is not. */
  #mayTryAgain(thread: number, isDrill: boolean): boolean {
    const stillborn = this.#stillborn.get(thread);
    if (stillborn === undefined) return false;
    if (isDrill) return true;
    if (stillborn >= MAX_STILLBORN) return false;
    this.#stillborn.set(thread, stillborn + 1);
    return true;
  }

  #done(stage: string): void {
    const left = this.#working.get(stage)! - 1;
    this.#working.set(stage, left);
    if (left === 0) this.#events.ended(stage);
  }

  #replace(thread: number): void {
    if (!this.#isClosing) this.#hire(thread).catch(() => {}); // It ended the run.
  }
}
