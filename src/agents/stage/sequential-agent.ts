import type { FrameView } from '../../frame/frame-view.js';
import { EMPTY, GATE_CLOSED } from '../../ring/ring-layout.js';
import { type Agent, ENDED, type Step, TOOK, type Wait, WORKED } from '../thread/agent.js';
import type { HandOver } from '../thread/hand-over.js';
import type { Lane } from './lane.js';
import type { ParcelRun } from './parcel-run.js';
import type { Taken } from './stage-inputs.js';
import type { StageWorker } from './stage-worker.js';

/**
 * One input after the other: claims the slots for its outputs, takes it, runs the chain, commits, hands over. The end of a
 * series, and asynchronous operators of a stage that aggregates, are waited for.
 */
export class SequentialAgent implements Agent {
  readonly #worker: StageWorker;
  readonly #handOver: HandOver;
  readonly #stock: FrameView[] = [];
  readonly #taken: Taken = { inputs: [], joined: [], partners: [] };
  readonly #parcel: ParcelRun;
  readonly #slotWait: Wait;
  readonly #inputWait: Wait;
  #lane: Lane;
  /** Taken and not yet committed; EMPTY: none. */
  #reference = EMPTY;

  constructor(worker: StageWorker, handOver: HandOver) {
    this.#worker = worker;
    this.#handOver = handOver;
    this.#lane = worker.newLane(0, this.#stock);
    this.#parcel = worker.newParcelRun(this.#stock, () => worker.setBusySince(worker.attachment.nowUs()));
    this.#slotWait = { bell: worker.pool.bell, bit: worker.poolBit, look: () => this.#claim() };
    this.#inputWait = {
      bell: worker.inputs.edge.itemBell,
      bit: worker.inputs.bit,
      look: () => worker.chain.stale || !isNothing(this.#take()),
    };
  }

  doWork(): Step {
    const { stockSize, chain, inputs } = this.#worker;
    const room = this.#handOver.wait;
    if (room) return room;
    if (this.#reference !== EMPTY) return this.#work();
    if (chain.stale) return this.#renew();
    if (this.#stock.length < stockSize) return this.#claim() ? TOOK : this.#slotWait;
    const closed = inputs.isClosed;
    const result = this.#take();
    if (result === EMPTY && closed) return ENDED;
    return isNothing(result) ? this.#inputWait : TOOK;
  }

  /** Returns the slots that it did not use. */
  close(): void {
    this.#worker.release(this.#stock.splice(0));
  }

  #claim(): boolean {
    const slot = this.#worker.claim();
    if (slot < 0) return false;
    this.#stock.push(this.#worker.attachment.frame(slot));
    return true;
  }

  #take(): number {
    const result = this.#worker.inputs.take();
    if (!isNothing(result)) this.#reference = result;
    return result;
  }

  async #renew(): Promise<void> {
    const { events, chain } = this.#worker;
    events.making();
    this.#worker.closeLinks(await this.#worker.renew());
    this.#lane = this.#worker.newLane(0, this.#stock);
    chain.settle();
    events.ready();
  }

  #work(): Step {
    const worker = this.#worker;
    const startUs = worker.attachment.nowUs();
    worker.inputs.read(this.#reference, this.#taken);
    worker.setBusySince(startUs);
    const outcome = worker.run(this.#lane, this.#reference, this.#taken.inputs, this.#parcel);
    if (typeof outcome !== 'number') return outcome.then((later) => this.#commit(startUs, later));
    this.#commit(startUs, outcome);
    return WORKED;
  }

  #commit(startUs: number, outcome: number): void {
    const worker = this.#worker;
    worker.countBusy(worker.attachment.nowUs() - startUs);
    worker.setBusySince(0);
    const done = worker.commit(this.#reference, this.#taken, this.#lane, this.#parcel, outcome);
    this.#reference = EMPTY;
    this.#handOver.begin(done, worker.outputCount);
  }
}

const isNothing = (result: number): boolean => result === EMPTY || result === GATE_CLOSED;
