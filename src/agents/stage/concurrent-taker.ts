import { EMPTY, GATE_CLOSED } from '../../ring/ring-layout.js';
import { type Agent, ENDED, type Step, TOOK, type Wait, WORKED } from '../thread/agent.js';
import type { LaneTask } from './lane-task.js';
import type { LaneTasks } from './lane-tasks.js';
import type { StageWorker } from './stage-worker.js';

/** The taking half of an asynchronous worker: an idle lane, the slots for its outputs, an input, and the chain is begun on it. */
export class ConcurrentTaker implements Agent {
  readonly #worker: StageWorker;
  readonly #tasks: LaneTasks;
  readonly #slotWait: Wait;
  readonly #inputWait: Wait;
  /** Out of the idle ones at once: others come back to them meanwhile. */
  #task: LaneTask | undefined;
  /** Taken and not yet begun; EMPTY: none. */
  #reference = EMPTY;

  constructor(worker: StageWorker, tasks: LaneTasks) {
    this.#worker = worker;
    this.#tasks = tasks;
    this.#slotWait = {
      bell: worker.pool.bell,
      bit: worker.poolBit,
      look: () => this.#claim() || tasks.idle.some(({ stock }) => stock.length > 0),
    };
    this.#inputWait = { bell: worker.inputs.edge.itemBell, bit: worker.inputs.bit, look: () => this.#look() };
  }

  doWork(): Step {
    const { inputs, chain } = this.#worker;
    const tasks = this.#tasks;
    tasks.throwIfFailed();
    if (this.#reference !== EMPTY) return this.#begin();
    if (chain.stale) return this.#renew();
    this.#task ??= tasks.idle.pop();
    if (!this.#task) return tasks.changed();
    if (this.#task.stock.length < this.#worker.stockSize) return this.#addSlot(this.#task);
    const closed = inputs.isClosed;
    const result = this.#take();
    if (result === EMPTY && closed) return tasks.busy.size === 0 ? this.#end() : tasks.changed();
    return this.#reference === EMPTY ? this.#inputWait : this.#begin();
  }

  /** Slots that idle lanes were left with come first: all of the pool may be there. */
  #addSlot({ stock }: LaneTask): Step {
    const left = this.#tasks.idle.find((task) => task.stock.length > 0)?.stock.pop();
    if (left) stock.push(left);
    return left || this.#claim() ? TOOK : this.#slotWait;
  }

  #claim(): boolean {
    const slot = this.#worker.claim();
    if (slot < 0) return false;
    this.#task!.stock.push(this.#worker.attachment.frame(slot));
    return true;
  }

  #take(): number {
    const result = this.#worker.inputs.take();
    if (result !== EMPTY && result !== GATE_CLOSED) this.#reference = result;
    return result;
  }

  #look(): boolean {
    const { inputs, chain } = this.#worker;
    const result = this.#take();
    return this.#reference !== EMPTY || chain.stale || (result === EMPTY && inputs.isClosed);
  }

  async #renew(): Promise<void> {
    const { events } = this.#worker;
    events.making();
    this.#tasks.replace(await this.#worker.renew());
    events.ready();
    this.#tasks.settle();
  }

  #begin(): Step {
    const worker = this.#worker;
    const tasks = this.#tasks;
    const task = this.#task!;
    this.#task = undefined;
    if (task.lane.chain !== worker.chain.chain) task.lane = worker.newLane(task.at, task.stock);
    tasks.busy.add(task);
    task.reference = this.#reference;
    this.#reference = EMPTY;
    worker.inputs.read(task.reference, task);
    const startUs = worker.attachment.nowUs();
    task.startUs = startUs;
    tasks.markOldest();
    void Promise.resolve(worker.run(task.lane, task.reference, task.inputs, task.parcel)).then((outcome) => {
      worker.countBusy(worker.attachment.nowUs() - startUs);
      task.startUs = 0;
      tasks.markOldest();
      task.outcome = outcome;
      tasks.finished.push(task);
      tasks.notify();
    });
    return WORKED;
  }

  #end(): Step {
    this.#tasks.isOver = true;
    this.#tasks.notify();
    return ENDED;
  }
}
