import type { Logger } from '../../errors/logger.js';
import type { FrameView } from '../../frame/frame-view.js';
import { OUTCOME } from '../../observe/outcome.js';
import type { PoolPlan, StageNode } from '../../plan/plan-types.js';
import { LINE } from '../../ring/ring-layout.js';
import { type Attachment, bitIn } from '../thread/attachment.js';
import { type ChainLink, closeLink } from './chain-link.js';
import { FailedFrames } from './failed-frames.js';
import { HeldAggregates } from './held-aggregates.js';
import { type Aggregates, Lane, type OutputStock } from './lane.js';
import { ParcelRun } from './parcel-run.js';
import { StageInputs, type Taken } from './stage-inputs.js';
import { StagePartials } from './stage-partials.js';
import { WorkCommit } from './work-commit.js';
import { WorkerChain } from './worker-chain.js';

/** Instead of the code of a failure. */
export const SUCCESS = -1;

/** What a worker reports of itself. */
export interface WorkerEvents {
  /** It makes operators, or closes those that were replaced; then `ready` follows. */
  making(): void;
  ready(): void;
  /** It has handed on its last frame and holds nothing. Its operators are still to be closed. */
  left(): void;
}

/** What one worker of a stage does with an input, whether it has one in progress or several: it runs the chain and commits. */
export class StageWorker {
  readonly attachment: Attachment;
  readonly stage: StageNode;
  readonly inputs: StageInputs;
  readonly chain: WorkerChain;
  readonly events: WorkerEvents;
  readonly aggregates: Aggregates;
  /** Slots that a lane needs before it takes an input. */
  readonly stockSize: number;
  readonly pool: PoolPlan;
  /** The thread's bit in the bell of the pool. */
  readonly poolBit: number;
  readonly #index: number;
  readonly #log: Logger;
  readonly #failures: FailedFrames;
  readonly #commits: WorkCommit;
  #busyUs: number;

  constructor(attachment: Attachment, stage: StageNode, index: number, log: Logger, events: WorkerEvents) {
    this.attachment = attachment;
    this.stage = stage;
    this.events = events;
    this.inputs = new StageInputs(attachment, stage);
    this.pool = attachment.poolOf(stage.name);
    this.poolBit = bitIn(this.pool.threads, attachment.thread);
    this.stockSize = stage.maxOutputs + stage.parcelSlots;
    this.#index = index;
    this.#log = log;
    this.#failures = new FailedFrames(attachment, stage.name, log);
    this.aggregates = aggregatesOf(attachment, stage, index);
    this.#commits = new WorkCommit(attachment, stage, index, this.inputs, this.aggregates, (source, frames) =>
      this.#failures.lostWithAggregate(source, frames),
    );
    this.chain = new WorkerChain(attachment, stage, index, log, this.aggregates.partials);
    this.#busyUs = attachment.word(attachment.line + LINE.busyUs) >>> 0;
  }

  /** Takes the present parameters. Returns the operators that were replaced. */
  async renew(): Promise<ChainLink[]> {
    const replaced = await this.chain.renew();
    this.inputs.use(this.chain.chain.links[0]?.params);
    return replaced;
  }

  closeLinks(links: readonly ChainLink[]): void {
    for (const link of links) closeLink(link, this.#log);
  }

  /** A slot of the stage's pool, or a negative number: there is none now, or the gate is closed. */
  claim(): number {
    return this.attachment.ring.claim(this.pool.ring);
  }

  release(stock: readonly FrameView[]): void {
    for (const { slot } of stock) this.attachment.gated.release(slot);
  }

  newLane(at: number, stock: FrameView[]): Lane {
    return new Lane(this.chain.chain, this.attachment, this.#index, at, stockOf(stock), this.stage, this.aggregates);
  }

  /** `began`: called for each record, which counts as a frame for `stallMs`. */
  newParcelRun(stock: FrameView[], began: () => void): ParcelRun {
    const work = {
      process: (lane: Lane, records: readonly FrameView[]) => {
        began();
        return this.#process(lane, records);
      },
      failed: (error: unknown, records: readonly FrameView[]) => this.#failures.add(error, records, 1),
    };
    return new ParcelRun(stockOf(stock), this.attachment, this.stage, work, this.aggregates);
  }

  /** Runs the chain on what was taken. The code of the outcome where it failed, or SUCCESS. */
  run(lane: Lane, reference: number, inputs: readonly FrameView[], parcel: ParcelRun): number | Promise<number> {
    if (inputs[0]!.records > 0) return parcel.run(lane, inputs);
    if (inputs[inputs.length - 1]!.ends && this.attachment.deathsOf(reference) >= this.stage.attempts) {
      lane.skip(inputs);
      return OUTCOME['worker-lost'];
    }
    return this.#process(lane, inputs, this.inputs.isUnmatched);
  }

  /** Runs the chain, which tries again by itself. `onlyEnd`: the frames are given up, the end of their series is met. */
  #process(lane: Lane, inputs: readonly FrameView[], onlyEnd = false): number | Promise<number> {
    try {
      const pending = onlyEnd ? lane.runEnd(inputs) : lane.run(inputs);
      return pending
        ? pending.then(
            () => SUCCESS,
            (error: unknown) => this.#fail(lane, inputs, error),
          )
        : SUCCESS;
    } catch (error) {
      return this.#fail(lane, inputs, error);
    }
  }

  #fail(lane: Lane, inputs: readonly FrameView[], error: unknown): number {
    lane.discard();
    return this.#failures.add(error, inputs, Math.max(1, lane.failures));
  }

  /** Commits what became of an input. Returns how many of its `outputCount` outputs were handed over. */
  commit(reference: number, taken: Taken, lane: Lane, parcel: ParcelRun, failure: number): number {
    return taken.inputs[0]!.records > 0
      ? this.#commits.fillParcel(reference, taken.inputs, parcel)
      : this.#commits.fill(reference, taken, lane, failure);
  }

  get outputCount(): number {
    return this.#commits.outputCount;
  }

  /** Adds to the time that operators have taken. */
  countBusy(us: number): void {
    this.#busyUs += us;
    this.attachment.setWord(this.attachment.line + LINE.busyUs, Math.trunc(this.#busyUs) | 0);
  }

  /** For the supervisor: since when the oldest frame in progress has been processed; 0: none is. */
  setBusySince(startUs: number): void {
    this.attachment.setWord(this.attachment.line + LINE.sinceMs, startUs === 0 ? 0 : Math.trunc(startUs / 1e3) | 1);
  }
}

function aggregatesOf(attachment: Attachment, stage: StageNode, index: number): Aggregates {
  const banks = stage.countBanks[index];
  const merges = stage.operators.map((operator) => operator.merges);
  return {
    partials: stage.aggregates.length > 0 ? new StagePartials(attachment, stage, index) : undefined,
    held: banks === undefined ? undefined : new HeldAggregates(attachment, banks, merges),
  };
}

function stockOf(stock: FrameView[]): OutputStock {
  return { take: () => stock.pop(), putBack: (frame) => stock.push(frame) };
}
