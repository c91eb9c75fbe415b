import { type Agent, ENDED, type Step, TOOK, type Wait } from '../thread/agent.js';
import type { HandOver } from '../thread/hand-over.js';
import type { LaneTask } from './lane-task.js';
import type { LaneTasks } from './lane-tasks.js';
import { mayCommit } from './may-commit.js';
import type { StageWorker } from './stage-worker.js';

/**
 * The committing half of an asynchronous worker. Results are committed in rising order of ordinals among those that are
 * done, the lowest first: were the lowest kept back behind one whose cell is not yet free, the edge would never move.
 */
export class ConcurrentCommitter implements Agent {
  readonly #worker: StageWorker;
  readonly #tasks: LaneTasks;
  readonly #handOver: HandOver;
  /** Until its turn comes at an ordered edge: no bell is rung for it. */
  readonly #turnWait: Wait;
  /** Committed and not yet handed over. */
  #committed: LaneTask | undefined;

  constructor(worker: StageWorker, tasks: LaneTasks, handOver: HandOver) {
    this.#worker = worker;
    this.#tasks = tasks;
    this.#handOver = handOver;
    this.#turnWait = { bell: worker.inputs.edge.itemBell, bit: 0, look: () => false };
  }

  doWork(): Step {
    const worker = this.#worker;
    const tasks = this.#tasks;
    tasks.throwIfFailed();
    const room = this.#handOver.wait;
    if (room) return room;
    if (this.#committed) tasks.free(this.#committed);
    this.#committed = undefined;
    const { finished } = tasks;
    if (finished.length === 0) return tasks.isOver && tasks.busy.size === 0 ? ENDED : tasks.changed();
    finished.sort((a, b) => (a.inputs[0]!.ordinal - b.inputs[0]!.ordinal) | 0);
    const at = finished.findIndex((task) => mayCommit(worker.attachment, worker.stage, task));
    if (at < 0) return this.#turnWait;
    const task = finished.splice(at, 1)[0]!;
    const done = worker.commit(task.reference, task, task.lane, task.parcel, task.outcome);
    this.#handOver.begin(done, worker.outputCount);
    this.#committed = task;
    return TOOK;
  }
}
