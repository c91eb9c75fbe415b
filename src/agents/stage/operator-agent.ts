import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from '../../errors/logger.js';
import type { FrameView } from '../../frame/frame-view.js';
import { OUTCOME } from '../../observe/outcome.js';
import type { JoinParams } from '../../operators/join.js';
import type { EdgePlan, PoolPlan, StageNode } from '../../plan/plan-types.js';
import { sleepAsync, waitForGate, waitSync } from '../../ring/park.js';
import { EMPTY, GATE_CLOSED, LINE } from '../../ring/ring-layout.js';
import { type Attachment, bitIn } from '../thread/attachment.js';
import { readChain } from '../thread/commit-outputs.js';
import { type ChainLink, closeLink, isAsyncChain } from './chain-link.js';
import { FailedFrames } from './failed-frames.js';
import { HeldAggregates } from './held-aggregates.js';
import { JoinInputs } from './join-inputs.js';
import { type Aggregates, Lane } from './lane.js';
import { type LaneTask, oldest, stockOf, type Taken } from './lane-task.js';
import { mayCommit } from './may-commit.js';
import { ParcelRun } from './parcel-run.js';
import { StagePartials } from './stage-partials.js';
import { WorkCommit } from './work-commit.js';
import { WorkerChain } from './worker-chain.js';

/** A synchronous worker gives its event loop a turn this often, so that the author's timers and output work. */
const TURN_MS = 50;
const SUCCESS = -1;
/** Instead of a reference: newer parameters stand ready. No ring operation returns it. */
const STALE = -3;

/** What a worker says of itself. */
export interface WorkerEvents {
  /** It makes operators, or closes those that were replaced; then `ready` follows. */
  making(): void;
  ready(): void;
  /** It has handed on its last frame and holds nothing. Its operators are still to be closed. */
  left(): void;
}

/**
 * One worker of a stage: takes references from the edge, runs the chain, commits. `run` is the worker's lease: it resolves
 * when the edge is closed and empty (or the run is aborted), and rejects when the loop itself fails.
 */
export class OperatorAgent {
  readonly #attachment: Attachment;
  readonly #stage: StageNode;
  readonly #edge: EdgePlan;
  /** In a stage that joins, in place of the edge. */
  readonly #join: JoinInputs | undefined;
  readonly #pool: PoolPlan;
  readonly #worker: number;
  readonly #log: Logger;
  readonly #failures: FailedFrames;
  readonly #work: WorkCommit;
  readonly #stockSize: number;
  readonly #aggregates: Aggregates;
  readonly #stock: FrameView[] = [];
  readonly #chain: WorkerChain;
  readonly #itemBit: number;
  readonly #poolBit: number;
  #events!: WorkerEvents;
  #source = 0;
  #busyUs = 0;

  constructor(attachment: Attachment, stage: StageNode, worker: number, log: Logger) {
    this.#attachment = attachment;
    this.#stage = stage;
    this.#edge = attachment.edgesRead()[0]!;
    this.#join = stage.operators[0]?.type === 'join' ? new JoinInputs(attachment, stage) : undefined;
    this.#pool = attachment.poolOf(stage.name);
    this.#worker = worker;
    this.#log = log;
    this.#failures = new FailedFrames(attachment, stage.name, log);
    this.#stockSize = stage.maxOutputs + stage.parcelSlots;
    const banks = stage.partials[worker];
    this.#aggregates = {
      partials: stage.aggregates.length > 0 ? new StagePartials(attachment, stage, worker) : undefined,
      held:
        banks === undefined
          ? undefined
          : new HeldAggregates(
              attachment,
              banks,
              stage.operators.map(({ merges }) => merges),
            ),
    };
    this.#work = new WorkCommit(attachment, stage, worker, this.#edge, this.#join, this.#aggregates, (source, frames) =>
      this.#failures.lostWithAggregate(source, frames),
    );
    this.#chain = new WorkerChain(attachment, stage, worker, log, this.#aggregates.partials);
    this.#itemBit = bitIn(this.#edge.consumerThreads, attachment.thread);
    this.#poolBit = bitIn(this.#pool.threads, attachment.thread);
    this.#busyUs = attachment.word(attachment.line + LINE.busyUs) >>> 0;
  }

  async run(events: WorkerEvents): Promise<void> {
    this.#events = events;
    events.making();
    await this.#renew();
    this.#chain.settle();
    events.ready();
    try {
      this.#work.finishRecord();
      // An aggregate takes one frame after the other, in the order of commits: an asynchronous operator before it is waited for.
      const { partials, held } = this.#aggregates;
      if (!partials && !held && isAsyncChain(this.#chain.chain.links)) await this.#runAsync();
      else await this.#runSync();
      this.#chain.leave();
      this.#release(this.#stock.splice(0));
      events.left();
    } finally {
      this.#release(this.#stock);
      this.#chain.close();
    }
  }

  /** Takes the present parameters. Returns the operators that were replaced. */
  async #renew(): Promise<ChainLink[]> {
    const replaced = await this.#chain.renew();
    this.#join?.use(this.#chain.chain.links[0]!.params as unknown as JoinParams);
    return replaced;
  }

  #release(stock: readonly FrameView[]): void {
    for (const { slot } of stock) this.#attachment.throughGate(() => this.#attachment.ring.release(slot));
  }

  // ---- synchronous chains ----------------------------------------------------------------------------------------------

  #lane(lane: number, stock: FrameView[]): Lane {
    return new Lane(this.#chain.chain, this.#attachment, this.#worker, lane, stockOf(stock), this.#stage, this.#aggregates);
  }

  async #runSync(): Promise<void> {
    let lane = this.#lane(0, this.#stock);
    const parcel = this.#parcelRun(this.#stock, () => this.#since(this.#attachment.nowUs()));
    const { ring, arena, park, nowUs } = this.#attachment;
    const claim = (): number => ring.claim(this.#pool.ring);
    const take = (): number => (this.#chain.stale ? STALE : this.#take());
    const isNothing = (result: number): boolean => result === EMPTY || result === GATE_CLOSED;
    const taken: Taken = { inputs: [], joined: [], partners: [] };
    let turnAt = performance.now() + TURN_MS;
    for (;;) {
      if (performance.now() >= turnAt) {
        await nextTurn();
        turnAt = performance.now() + TURN_MS;
      }
      if (this.#attachment.aborted) return;
      if (this.#chain.stale) {
        this.#events.making();
        for (const link of await this.#renew()) closeLink(link, this.#log);
        lane = this.#lane(0, this.#stock);
        this.#chain.settle();
        this.#events.ready();
      }
      while (this.#stock.length < this.#stockSize) {
        let slot = claim();
        if (isNothing(slot)) slot = waitSync(arena.words, this.#pool.bell, this.#poolBit, park, claim, isNothing, TURN_MS);
        if (isNothing(slot)) break;
        this.#stock.push(this.#attachment.frame(slot));
      }
      if (this.#stock.length < this.#stockSize) continue;
      const closed = this.#isClosed;
      let reference = take();
      if (reference === EMPTY && closed) return;
      if (isNothing(reference)) reference = waitSync(arena.words, this.#edge.itemBell, this.#itemBit, park, take, isNothing, TURN_MS);
      if (isNothing(reference) || reference === STALE) continue;
      const startUs = nowUs();
      this.#read(reference, taken);
      this.#since(startUs);
      const pending = this.#begin(lane, reference, taken.inputs, parcel);
      const outcome = typeof pending === 'number' ? pending : await pending;
      this.#count(nowUs() - startUs);
      this.#since(0);
      this.#commit(reference, taken, lane, parcel, outcome);
    }
  }

  #read(reference: number, { inputs, joined, partners }: Taken): void {
    if (this.#join) this.#join.hand(inputs, joined, partners);
    else readChain(this.#attachment, reference, inputs);
  }

  /** `began`: to `stallMs`, each record is a frame of its own. */
  #parcelRun(stock: FrameView[], began: () => void): ParcelRun {
    const work = {
      process: (chain: Lane, records: readonly FrameView[]) => {
        began();
        return this.#process(chain, records);
      },
      failed: (error: unknown, records: readonly FrameView[]) => this.#failures.add(error, records, 1),
    };
    return new ParcelRun(stockOf(stock), this.#attachment, this.#stage, work, this.#aggregates);
  }

  #begin(lane: Lane, reference: number, inputs: readonly FrameView[], parcel: ParcelRun): number | Promise<number> {
    if (inputs[0]!.records > 0) return parcel.run(lane, inputs);
    if (inputs[inputs.length - 1]!.ends && this.#attachment.deathsOf(reference) >= this.#stage.attempts) {
      lane.skip(inputs);
      return OUTCOME['worker-lost'];
    }
    return this.#process(lane, inputs, this.#join?.isUnmatched);
  }

  /** Runs the chain, which tries again by itself. The outcome of a failure, or -1. `onlyEnd`: the frames are given up, the end of their series is met. */
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

  get #isClosed(): boolean {
    return this.#join ? this.#join.closed : this.#attachment.isClosed(this.#edge);
  }

  #take(): number {
    if (this.#join) return this.#join.take();
    const sources = this.#attachment.plan.sources.length;
    if (sources > 1) this.#source = (this.#source + 1) % sources;
    return this.#attachment.ring.take(this.#edge.ring, this.#source);
  }

  #commit(reference: number, taken: Taken, lane: Lane, parcel: ParcelRun, failure: number): void {
    const { inputs } = taken;
    let done = inputs[0]!.records > 0 ? this.#work.fillParcel(reference, inputs, parcel) : this.#work.fill(reference, taken, lane, failure);
    const { ring, arena, park } = this.#attachment;
    const resume = (): number => {
      const result = ring.resume(done);
      if (result === GATE_CLOSED) waitForGate(arena.words);
      else done = result;
      return result;
    };
    while (done < this.#work.outputCount) {
      const edge = this.#work.edgeOf(done);
      const before = done;
      const bit = bitIn(edge.producerThreads, this.#attachment.thread);
      waitSync(arena.words, edge.spaceBell, bit, park, resume, () => done === before, Number.POSITIVE_INFINITY);
      if (this.#attachment.aborted) return;
    }
  }

  #count(busyUs: number): void {
    this.#busyUs += busyUs;
    this.#attachment.setWord(this.#attachment.line + LINE.busyUs, Math.trunc(this.#busyUs) | 0);
  }

  /** Tells the supervisor since when the oldest frame under way is being processed; 0: none. */
  #since(startUs: number): void {
    this.#attachment.setWord(this.#attachment.line + LINE.sinceMs, startUs === 0 ? 0 : Math.trunc(startUs / 1e3) | 1);
  }

  // ---- asynchronous chains -----------------------------------------------------------------------------------------------

  /**
   * Up to `concurrency` frames are under way. Results are committed in rising order of ordinals among those that are done,
   * the lowest first: were the lowest kept back behind one whose cell is not yet free, the edge would never move.
   */
  async #runAsync(): Promise<void> {
    const { ring, arena, park } = this.#attachment;
    const busy = new Set<LaneTask>();
    const lanes: LaneTask[] = Array.from({ length: this.#stage.concurrency }, (_, at) => {
      const stock: FrameView[] = [];
      const began = (): void => {
        one.startUs = this.#attachment.nowUs();
        this.#since(oldest(busy));
      };
      const one: LaneTask = {
        stock,
        chain: this.#lane(at, stock),
        parcel: this.#parcelRun(stock, began),
        startUs: 0,
        reference: EMPTY,
        inputs: [],
        joined: [],
        partners: [],
        outcome: SUCCESS,
      };
      return one;
    });
    let wake: () => void = () => {};
    let committing = false;
    let failed: unknown;
    let lane: LaneTask | undefined;
    const idle = [...lanes];
    const finished: LaneTask[] = [];
    // Operators that were replaced close when no frame is under way in them any more.
    const replaced: ChainLink[] = [];
    const settle = (): void => {
      const { chain } = this.#chain;
      for (const one of busy) if (one.chain.chain !== chain) return;
      if (replaced.length > 0) {
        this.#events.making();
        for (const link of replaced.splice(0)) closeLink(link, this.#log);
        this.#events.ready();
      }
      this.#chain.settle();
    };
    // `committing` is taken back in the turn in which the last result was seen, so that none is left behind.
    const commitNext = async (): Promise<void> => {
      committing = true;
      try {
        while (finished.length > 0 && !this.#attachment.aborted) {
          finished.sort((a, b) => (a.inputs[0]!.ordinal - b.inputs[0]!.ordinal) | 0);
          const at = finished.findIndex((one) => mayCommit(this.#attachment, this.#stage, one));
          if (at < 0) {
            await sleepAsync(arena.words, this.#edge.itemBell, 0, park, () => true);
            continue;
          }
          const next = finished.splice(at, 1)[0]!;
          await this.#commitAsync(next);
          busy.delete(next);
          settle();
          idle.push(next);
          wake();
        }
      } catch (error) {
        failed = error;
        wake();
      } finally {
        committing = false;
      }
    };
    const finish = (done: LaneTask, outcome: number): void => {
      done.outcome = outcome;
      finished.push(done);
      if (!committing) void commitNext();
    };
    // An abort rings the park word only, and an operator may never settle.
    const watch = setInterval(() => {
      if (this.#attachment.aborted) wake();
    }, TURN_MS);
    try {
      for (;;) {
        if (failed) throw failed;
        if (this.#attachment.aborted) return;
        if (this.#chain.stale) {
          this.#events.making();
          replaced.push(...(await this.#renew()));
          this.#events.ready();
          settle();
        }
        // Out of the idle ones at once: others come back to them during every wait below.
        lane ??= idle.pop();
        if (!lane) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          continue;
        }
        while (lane.stock.length < this.#stockSize) {
          // What idle ones were left with comes first: all of the pool may be there.
          const from = idle.find(({ stock }) => stock.length > 0);
          if (from) {
            lane.stock.push(from.stock.pop()!);
            continue;
          }
          let slot = ring.claim(this.#pool.ring);
          if (slot < 0) {
            await sleepAsync(arena.words, this.#pool.bell, this.#poolBit, park, () => {
              slot = ring.claim(this.#pool.ring);
              return slot < 0 && idle.every(({ stock }) => stock.length === 0);
            });
          }
          if (slot >= 0) lane.stock.push(this.#attachment.frame(slot));
          if (this.#attachment.aborted) return;
        }
        const closed = this.#isClosed;
        let reference = this.#take();
        if (reference === EMPTY && closed) {
          if (busy.size === 0) return;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          continue;
        }
        if (reference === EMPTY || reference === GATE_CLOSED) {
          await sleepAsync(arena.words, this.#edge.itemBell, this.#itemBit, park, () => {
            reference = this.#take();
            return (reference === EMPTY || reference === GATE_CLOSED) && !this.#isClosed && !this.#chain.stale;
          });
          if (reference === EMPTY || reference === GATE_CLOSED) continue;
        }
        const taken = lane;
        lane = undefined;
        if (taken.chain.chain !== this.#chain.chain) taken.chain = this.#lane(lanes.indexOf(taken), taken.stock);
        busy.add(taken);
        taken.reference = reference;
        this.#read(reference, taken);
        const startUs = this.#attachment.nowUs();
        taken.startUs = startUs;
        this.#since(oldest(busy));
        void Promise.resolve(this.#begin(taken.chain, reference, taken.inputs, taken.parcel)).then((outcome) => {
          this.#count(this.#attachment.nowUs() - startUs);
          taken.startUs = 0;
          this.#since(oldest(busy));
          finish(taken, outcome);
        });
      }
    } finally {
      clearInterval(watch);
      for (const link of replaced) closeLink(link, this.#log);
      for (const { stock } of lanes) this.#release(stock);
    }
  }

  async #commitAsync(lane: LaneTask): Promise<void> {
    const { ring, arena, park } = this.#attachment;
    let done =
      lane.inputs[0]!.records > 0
        ? this.#work.fillParcel(lane.reference, lane.inputs, lane.parcel)
        : this.#work.fill(lane.reference, lane, lane.chain, lane.outcome);
    while (done < this.#work.outputCount) {
      if (this.#attachment.aborted) return;
      const edge = this.#work.edgeOf(done);
      const before = done;
      await sleepAsync(arena.words, edge.spaceBell, bitIn(edge.producerThreads, this.#attachment.thread), park, () => {
        const result = ring.resume(done);
        if (result !== GATE_CLOSED) done = result;
        return done === before;
      });
    }
  }
}
