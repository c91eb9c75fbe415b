import { EMPTY } from '../../ring/ring-layout.js';
import type { ChainLink } from './chain-link.js';
import type { LaneTask } from './lane-task.js';
import { type StageWorker, SUCCESS } from './stage-worker.js';

/** The lanes of an asynchronous worker: those that are idle, those with an input in progress, and those that wait for their commit. */
export class LaneTasks {
  readonly idle: LaneTask[];
  readonly busy = new Set<LaneTask>();
  readonly finished: LaneTask[] = [];
  /** Nothing more is taken. */
  isOver = false;
  readonly #worker: StageWorker;
  readonly #all: readonly LaneTask[];
  /** Operators that were replaced close when no input is in progress in them. */
  readonly #replaced: ChainLink[] = [];
  readonly #waiting: (() => void)[] = [];
  #error: { readonly thrown: unknown } | undefined;

  constructor(worker: StageWorker) {
    this.#worker = worker;
    this.#all = Array.from({ length: worker.stage.concurrency }, (_, at) => this.#make(at));
    this.idle = [...this.#all];
  }

  #make(at: number): LaneTask {
    const stock: LaneTask['stock'] = [];
    const began = (): void => {
      task.startUs = this.#worker.attachment.nowUs();
      this.markOldest();
    };
    const task: LaneTask = {
      at,
      stock,
      lane: this.#worker.newLane(at, stock),
      parcel: this.#worker.newParcelRun(stock, began),
      startUs: 0,
      reference: EMPTY,
      inputs: [],
      joined: [],
      partners: [],
      outcome: SUCCESS,
    };
    return task;
  }

  /** Resolves at the next `notify`. */
  changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** A lane became idle or finished, or there is something else to look for. */
  notify(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** One of the agents failed: both stop. */
  fail(thrown: unknown): void {
    this.#error ??= { thrown };
    this.notify();
  }

  throwIfFailed(): void {
    if (this.#error) throw this.#error.thrown;
  }

  /** Publishes when the oldest input that is being processed was begun. */
  markOldest(): void {
    let first = 0;
    for (const { startUs } of this.busy) if (startUs !== 0 && (first === 0 || startUs < first)) first = startUs;
    this.#worker.setBusySince(first);
  }

  /** The task's input is committed. */
  free(task: LaneTask): void {
    this.busy.delete(task);
    this.settle();
    this.idle.push(task);
    this.notify();
  }

  replace(links: readonly ChainLink[]): void {
    this.#replaced.push(...links);
  }

  /** When all inputs in progress are in the present operators, those before them are closed. */
  settle(): void {
    const { chain, events } = this.#worker;
    for (const { lane } of this.busy) if (lane.chain !== chain.chain) return;
    if (this.#replaced.length > 0) {
      events.making();
      this.#worker.closeLinks(this.#replaced.splice(0));
      events.ready();
    }
    chain.settle();
  }

  /** Closes replaced operators and returns the slots that the lanes did not use. */
  close(): void {
    this.#worker.closeLinks(this.#replaced.splice(0));
    for (const { stock } of this.#all) this.#worker.release(stock.splice(0));
  }
}
