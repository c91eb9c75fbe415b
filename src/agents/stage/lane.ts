import { asMillraceError, MillraceError } from '../../errors/errors.js';
import { FrameView } from '../../frame/frame-view.js';
import type { ParametersStamp } from '../../frame/parameters-stamp.js';
import { MAX_META_BYTES } from '../../frame/slot-layout.js';
import { looksLikeResult, returnedValueText } from '../../operators/returned-value.js';
import { readSeries } from '../../plan/series-table.js';
import type { Attachment } from '../thread/attachment.js';
import { type ChainLink, operatorFor, type SeriesSeen } from './chain-link.js';
import type { HeldAggregates } from './held-aggregates.js';
import { describe, OperatorEmitter } from './operator-emitter.js';
import type { StagePartials } from './stage-partials.js';
import { stampAggregate } from './stamp-aggregate.js';
import type { Chain } from './worker-chain.js';

/** Gives the chain its output slots: claimed before the input was taken, so that none can be missing. */
export interface OutputStock {
  take(): FrameView | undefined;
  putBack(frame: FrameView): void;
}

/** What the operators of a worker hold of many frames, if they aggregate: in partials, or in their own state. */
export interface Aggregates {
  readonly partials: StagePartials | undefined;
  readonly held: HeldAggregates | undefined;
}

/** An operator that aggregates threw away what it held of a source: it is made anew before its next frame. */
interface Spoilt {
  readonly link: ChainLink;
  readonly source: number;
}

/**
 * Runs one frame at a time through the operators of a stage. Frames between two operators live in scratch; what the last
 * one emits is in slots, or is the input itself. One lane is one run under way; an asynchronous worker has several.
 *
 * An operator that fails is called again with the frame that it got, until the attempts of the input are used up. No
 * operator that has succeeded is called again: it may have kept something of its frame.
 */
export class Lane {
  /** What the run emitted, in order: slots of the stage's pool, or the input alone. */
  readonly outputs: FrameView[] = [];
  /** The run emitted nothing, and the operator that took the frame says that it aggregates. */
  merged = false;
  /** How often operators failed in the run. */
  failures = 0;
  readonly #links: readonly ChainLink[];
  readonly #levels: OperatorEmitter[];
  #inputs: readonly FrameView[] = [];
  readonly #stock: OutputStock;
  readonly #maxOutputs: number;
  readonly #attachment: Attachment;
  readonly #series: SeriesSeen;
  readonly #stamp: ParametersStamp;
  readonly #partials: StagePartials | undefined;
  readonly #held: HeldAggregates | undefined;
  readonly #attempts: number;
  #spoilt: Spoilt[] = [];

  constructor(
    readonly chain: Chain,
    attachment: Attachment,
    worker: number,
    lane: number,
    stock: OutputStock,
    { maxOutputs, attempts }: { readonly maxOutputs: number; readonly attempts: number },
    { partials, held }: Aggregates,
  ) {
    this.#partials = partials;
    this.#held = held;
    this.#attempts = attempts;
    const { links } = chain;
    this.#links = links;
    this.#attachment = attachment;
    this.#series = chain.series;
    this.#stamp = chain.stamp;
    this.#stock = stock;
    this.#maxOutputs = maxOutputs;
    this.#levels = links.map(({ plan }, at) => {
      const scratch: FrameView[] = [];
      const start = plan.frames[worker]!;
      if (at < links.length - 1) {
        for (let i = 0; i < plan.maxOutputs; i++)
          scratch.push(new FrameView(attachment.arena, -1, 0, start + (lane * plan.maxOutputs + i) * plan.frameBytes, plan.frameBytes));
      }
      return new OperatorEmitter(this, plan, at === links.length - 1, scratch);
    });
  }

  /**
   * Runs the chain on the frames of one reference (more than one where a stage before emitted several); outputs stand in
   * `outputs`. Throws, or rejects, what an operator threw at the last attempt; then `discard` gives back what was made.
   */
  run(inputs: readonly FrameView[]): void | Promise<void> {
    this.#begin(inputs);
    if (this.#links.length === 0) {
      for (const input of inputs) this.outputs.push(input);
      return;
    }
    const last = inputs[inputs.length - 1]!;
    // An event is one frame to the operators, for any number of frames behind it.
    const frames = inputs[0]!.joined ? inputs.slice(0, 1) : last.empty ? inputs.slice(0, -1) : inputs;
    return this.#spoilt.length > 0 ? this.#renew().then(() => this.#run(frames)) : this.#run(frames);
  }

  /** In place of a run, where the frames of the end of a series are given up: only the end is met. */
  runEnd(inputs: readonly FrameView[]): void | Promise<void> {
    this.#begin(inputs);
    return this.#renew().then(() => this.#run([]));
  }

  /** Replaces a run: no operator processes the inputs; the end of their series is passed on. */
  skip(inputs: readonly FrameView[]): void {
    this.#begin(inputs);
    this.loseHeld();
  }

  #begin(inputs: readonly FrameView[]): void {
    const last = inputs[inputs.length - 1]!;
    this.outputs.length = 0;
    this.merged = false;
    this.failures = 0;
    this.#inputs = inputs;
    this.#partials?.start(last);
    this.#held?.start(inputs[0]!, last.ends);
  }

  /** Makes operators anew whose state is void. */
  async #renew(): Promise<void> {
    for (let spoilt = this.#spoilt[0]; spoilt; spoilt = this.#spoilt[0]) {
      await spoilt.link.renew(spoilt.source);
      this.#series.delete(spoilt.source);
      this.#spoilt.shift();
    }
  }

  #run(frames: readonly FrameView[]): void | Promise<void> {
    const inputs = this.#inputs;
    const last = inputs[inputs.length - 1]!;
    this.#meet(inputs[0]!);
    const pending = last.ends ? this.#runEnd(frames, last) : this.#runRest(0, frames, 0);
    if (pending) return pending.then(() => this.#settleOutputs());
    this.#settleOutputs();
  }

  /** An operator failed. Throws its error when the attempts of the input are used up. */
  #again(error: unknown): void {
    this.failures++;
    if (this.failures >= this.#attempts) throw error;
  }

  /** The first frame of a series in this worker: operators are notified first. */
  #meet({ source, sourceIndex, series }: FrameView): void {
    if (series === 0 || this.#series.get(sourceIndex) === series) return;
    const info = readSeries(this.#attachment.arena, this.#attachment.plan.sources[sourceIndex]!.series, source, series);
    for (const link of this.#links) {
      while (link.heard.get(sourceIndex) !== series) {
        try {
          operatorFor(link, sourceIndex).onStart?.(info);
          link.heard.set(sourceIndex, series);
        } catch (error) {
          this.#again(error);
        }
      }
    }
    this.#series.set(sourceIndex, series);
  }

  async #runEnd(inputs: readonly FrameView[], last: FrameView): Promise<void> {
    await this.#runRest(0, inputs, 0);
    for (let at = 0; at < this.#links.length; at++) await this.#flushLevel(at, last);
  }

  async #flushLevel(at: number, last: FrameView): Promise<void> {
    const link = this.#links[at]!;
    const operator = operatorFor(link, last.sourceIndex);
    if (!operator.flush) return;
    const level = this.#levels[at]!;
    const partials = link.plan.partialBytes > 0 ? this.#partials : undefined;
    const parts = partials?.parts();
    if (parts?.length === 0) return;
    for (;;) {
      try {
        if (parts) operator.merge?.(parts);
        level.start(last);
        await operator.flush(level);
        level.end();
        break;
      } catch (error) {
        level.discard();
        this.#again(error);
      }
    }
    await this.#afterFlush(at, level, link, partials);
  }

  #afterFlush(at: number, level: OperatorEmitter, { definition }: ChainLink, partials: StagePartials | undefined): void | Promise<void> {
    if (partials) this.#stampMerged(level, partials);
    else if (definition.merges) this.#noteHeld(at, level, true);
    if (level.emitted.length === 0) return;
    if (at < this.#links.length - 1) return this.#runRest(at + 1, level.emitted.slice(), 0);
    for (const frame of level.emitted) this.outputs.push(frame);
  }

  #stampMerged(level: OperatorEmitter, partials: StagePartials): void {
    if (level.emitted.length === 0) return;
    const { frames, numbers } = partials.handOn();
    for (const result of level.results) stampAggregate(result, frames, numbers);
  }

  /** An operator that aggregates in its own state took a frame, or was flushed. */
  #noteHeld(at: number, level: OperatorEmitter, flushed: boolean): void {
    const { emitted } = level;
    if (emitted.length > 0) this.#held?.emitted(at, emitted.length, level.results);
    else if (flushed) this.#held?.drop(at);
    else this.#held?.took(at);
  }

  /**
   * The last frame of a series is passed on as such, whatever its outcome: marked on the last output, or empty. Never
   * in its input slot: the edges after a stage that does not pass inputs on are sized for slots of its own pool.
   */
  passEnd(): void {
    const last = this.#inputs[this.#inputs.length - 1]!;
    if (this.outputs.length > 0) {
      this.outputs[this.outputs.length - 1]!.ends = true;
      return;
    }
    const end = this.takeSlot();
    end.begin('bytes', [0]);
    describe(end, last);
    end.ends = true;
    end.empty = true;
    this.outputs.push(end);
  }

  /** Whether it has no operators: everything passes. */
  get isEmpty(): boolean {
    return this.#links.length === 0;
  }

  /** Whether the outputs are the inputs, as they came. */
  get passesOn(): boolean {
    if (this.outputs.length !== this.#inputs.length) return false;
    for (let i = 0; i < this.outputs.length; i++) if (this.outputs[i] !== this.#inputs[i]) return false;
    return true;
  }

  /** Marks the outputs with the parameters that made them. */
  mark(): void {
    for (const output of this.outputs) this.#stamp.mark(output);
  }

  /** Returns the slots of outputs that were copied elsewhere. */
  recycle(): void {
    for (const output of this.outputs) if (output.slot >= 0) this.#stock.putBack(output);
    this.outputs.length = 0;
  }

  /**
   * After a failed run: returns the slots of its outputs. Inputs that aggregates took from it are void, with everything
   * that they hold.
   */
  discard(): void {
    this.#partials?.discard();
    for (const output of this.outputs) if (output.slot >= 0 && !this.#inputs.includes(output)) this.#stock.putBack(output);
    this.outputs.length = 0;
    for (const level of this.#levels) level.discard();
    this.loseHeld();
  }

  /** The input is given up: what aggregates had taken of it is void, with all that they hold; with its end, whatever they hold. */
  loseHeld(): void {
    if (!this.#held) return;
    const source = this.#inputs[0]!.sourceIndex;
    const ends = this.#inputs[this.#inputs.length - 1]!.ends;
    for (const at of this.#held.lose(source, ends)) this.#spoilt.push({ link: this.#links[at]!, source });
  }

  #runLevel(at: number, frame: FrameView): void | Promise<void> {
    const level = this.#levels[at]!;
    const link = this.#links[at]!;
    if (this.#partials && link.plan.partialBytes > 0) return this.#runPartial(level, link, frame, this.#partials);
    const operator = operatorFor(link, frame.sourceIndex);
    for (;;) {
      try {
        level.start(frame);
        const returned: unknown = operator.process(frame, level);
        if (returned !== undefined) {
          if (isThenable(returned)) return this.#runLater(at, frame, returned);
          this.#hintAtReturned(level, link, returned);
        }
        level.end();
        break;
      } catch (error) {
        level.discard();
        this.#again(error);
      }
    }
    return this.#afterLevel(at, level, link);
  }

  #runLater(at: number, frame: FrameView, pending: Promise<unknown>): Promise<void> {
    const level = this.#levels[at]!;
    return Promise.resolve(pending).then(
      (value) => {
        this.#hintAtReturned(level, this.#links[at]!, value);
        level.end();
        return this.#afterLevel(at, level, this.#links[at]!);
      },
      (error: unknown) => {
        level.discard();
        this.#again(error);
        return this.#runLevel(at, frame);
      },
    );
  }

  /** A value is of no use, and its author may have meant to emit it. */
  #hintAtReturned(level: OperatorEmitter, { plan, definition, log }: ChainLink, value: unknown): void {
    if (level.emitted.length > 0 || definition.merges || !looksLikeResult(value)) return;
    const { node: stage } = this.#attachment.plan.threads[this.#attachment.thread]!;
    log.warn({ stage, operator: plan.type, hint: 'returned-value' }, returnedValueText(`operator ${plan.type} of stage '${stage}'`, value));
  }

  /** An operator that aggregates by partials takes a frame, and emits none. */
  #runPartial(level: OperatorEmitter, { operator }: ChainLink, frame: FrameView, partials: StagePartials): void {
    let pending: unknown;
    for (;;) {
      try {
        partials.open(frame);
        level.start(frame);
        pending = operator.process(frame, level);
        level.end();
        break;
      } catch (error) {
        level.discard();
        this.#again(error);
      }
    }
    partials.took(frame.sequence);
    this.merged = true;
    if (pending instanceof Promise)
      throw new MillraceError('ERR_OPERATOR_OUTPUT', 'an operator that aggregates by partials must be synchronous, and returned a promise');
    if (level.emitted.length > 0)
      throw new MillraceError('ERR_OPERATOR_OUTPUT', 'an operator that aggregates by partials emits in flush only, not in process');
  }

  #afterLevel(at: number, level: OperatorEmitter, link: ChainLink): void | Promise<void> {
    if (link.definition.merges) this.#noteHeld(at, level, false);
    if (level.emitted.length === 0) {
      if (link.definition.merges) this.merged = true;
      return;
    }
    if (at === this.#links.length - 1) {
      for (const frame of level.emitted) this.outputs.push(frame);
      if (this.outputs.length > this.#maxOutputs)
        throw new MillraceError('ERR_OPERATOR_OUTPUT', `one input became more than ${this.#maxOutputs} frames`);
      return;
    }
    return this.#runRest(at + 1, level.emitted.slice(), 0);
  }

  #runRest(at: number, frames: readonly FrameView[], from: number): void | Promise<void> {
    for (let i = from; i < frames.length; i++) {
      const pending = this.#runLevel(at, frames[i]!);
      if (pending) return pending.then(() => this.#runRest(at, frames, i + 1));
    }
  }

  /** Outputs that are not in slots of this stage are copied into one, unless the inputs are handed on as they came. */
  #settleOutputs(): void {
    const { outputs } = this;
    const ends = this.#inputs[this.#inputs.length - 1]!.ends;
    if (ends && !this.passesOn) this.passEnd();
    if (outputs.length === 0 || this.passesOn || this.#inputs[0]!.slot < 0) return; // those of a record are packed
    for (let i = 0; i < outputs.length; i++) {
      const frame = outputs[i]!;
      if (frame.slot >= 0 && !this.#inputs.includes(frame)) {
        this.#stamp.mark(frame);
        continue;
      }
      const copy = this.takeSlot();
      copy.begin(frame.dtype, frame.shape);
      copy.bytes.set(frame.bytes);
      describe(copy, frame);
      copy.inheritMeta(frame);
      this.#stamp.mark(copy);
      outputs[i] = copy;
    }
    if (ends) outputs[outputs.length - 1]!.ends = true;
    for (let i = 1; i < outputs.length; i++) outputs[i]!.meta = { ...outputs[i]!.meta, output: i };
    // Here the frame dies; at the commit it would be the worker.
    for (const { rawMeta } of outputs)
      if (rawMeta.length > MAX_META_BYTES)
        throw new MillraceError('ERR_OPERATOR_OUTPUT', `the meta of a frame has ${rawMeta.length} bytes of at most ${MAX_META_BYTES}`);
  }

  takeSlot(): FrameView {
    const slot = this.#stock.take();
    if (!slot) throw new MillraceError('ERR_OPERATOR_OUTPUT', `one input may become at most ${this.#maxOutputs} frames (maxOutputs)`);
    return slot;
  }

  giveBack(frame: FrameView): void {
    this.#stock.putBack(frame);
  }
}

const isThenable = (pending: unknown): pending is Promise<unknown> =>
  pending instanceof Promise ||
  (typeof pending === 'object' && pending !== null && typeof (pending as Promise<unknown>).then === 'function');

/** The outcome of a frame whose operator failed, by the error's code. */
export function failureOutcome(error: unknown): 'operator-failed' | 'operator-input' | 'operator-output' {
  const known = asMillraceError(error, 'ERR_OPERATOR');
  if (known.code === 'ERR_OPERATOR_INPUT') return 'operator-input';
  return known.code === 'ERR_OPERATOR_OUTPUT' ? 'operator-output' : 'operator-failed';
}
