import type { Logger } from '../../errors/logger.js';
import type { StageNode } from '../../plan/plan-types.js';
import type { Agent } from '../thread/agent.js';
import type { Attachment } from '../thread/attachment.js';
import { driveAsync, driveSync } from '../thread/drivers.js';
import { HandOver } from '../thread/hand-over.js';
import { isAsyncChain } from './chain-link.js';
import { ConcurrentCommitter } from './concurrent-committer.js';
import { ConcurrentTaker } from './concurrent-taker.js';
import { LaneTasks } from './lane-tasks.js';
import { SequentialAgent } from './sequential-agent.js';
import { StageWorker, type WorkerEvents } from './stage-worker.js';

/** A worker gives its event loop a turn this often, so that the author's timers and output work. */
const TURN_MS = 50;

/**
 * One worker of a stage, from the making of its operators to their end. `run` is the worker's lease: it resolves when the
 * edge is closed and empty (or the run is aborted), and rejects when the worker itself fails. A driver of its own calls
 * `start`, steps the agents, then `leave` if they have ended, and `close` in any case.
 */
export class OperatorAgent {
  readonly #worker: StageWorker;
  readonly #handOver: HandOver;
  #tasks: LaneTasks | undefined;
  #sequential: SequentialAgent | undefined;

  constructor(attachment: Attachment, stage: StageNode, worker: number, log: Logger, events: WorkerEvents) {
    this.#worker = new StageWorker(attachment, stage, worker, log, events);
    this.#handOver = new HandOver(attachment);
  }

  async run(): Promise<void> {
    try {
      const agents = await this.start();
      await this.#handOver.finish();
      if (this.#tasks) await this.#driveBoth(agents, this.#tasks);
      else await driveSync(agents[0]!, this.#worker.attachment, TURN_MS);
      this.leave();
    } finally {
      this.close();
    }
  }

  /** Makes the operators. The agents of the worker: one, or two where several inputs are in progress at once. */
  async start(): Promise<readonly Agent[]> {
    const worker = this.#worker;
    worker.events.making();
    await worker.renew();
    worker.chain.settle();
    worker.events.ready();
    this.#handOver.beginLeft();
    // An aggregate takes one frame after the other, in the order of commits: an asynchronous operator before it is waited for.
    const { partials, held } = worker.aggregates;
    if (partials || held || !isAsyncChain(worker.chain.chain.links)) {
      this.#sequential = new SequentialAgent(worker, this.#handOver);
      return [this.#sequential];
    }
    this.#tasks = new LaneTasks(worker);
    return [new ConcurrentTaker(worker, this.#tasks), new ConcurrentCommitter(worker, this.#tasks, this.#handOver)];
  }

  async #driveBoth(agents: readonly Agent[], tasks: LaneTasks): Promise<void> {
    const { attachment } = this.#worker;
    // An abort rings the park word only, and an operator may never settle.
    const watch = setInterval(() => {
      if (attachment.aborted) tasks.notify();
    }, TURN_MS);
    try {
      await Promise.all(agents.map((agent) => driveAsync(agent, attachment, TURN_MS).catch((error: unknown) => tasks.fail(error))));
      tasks.throwIfFailed();
    } finally {
      clearInterval(watch);
    }
  }

  /** The worker has handed on its last frame. */
  leave(): void {
    this.#worker.chain.leave();
    this.#releaseStock();
    this.#worker.events.left();
  }

  /** Closes the operators. */
  close(): void {
    this.#releaseStock();
    this.#worker.chain.close();
  }

  #releaseStock(): void {
    this.#sequential?.close();
    this.#tasks?.close();
  }
}
