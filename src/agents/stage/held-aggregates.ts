import type { FrameView } from '../../frame/frame-view.js';
import { AGGREGATE_COUNTS, countAddress, liveCountBank } from '../../plan/aggregate-counts.js';
import { LINE } from '../../ring/ring-layout.js';
import type { Attachment } from '../thread/attachment.js';
import { NumberRanges } from '../thread/number-ranges.js';
import { stampAggregate } from './stamp-aggregate.js';

const UNCHANGED = -1;
const NOWHERE = -1;

/** What one aggregating operator holds of one source. */
class Held {
  frames = 0;
  readonly numbers = new NumberRanges();
  /** `frames` before the run that changed it; UNCHANGED: the present run did not. */
  before = UNCHANGED;
}

/**
 * What the operators of one worker hold that aggregate otherwise than by partials, by operator and source. The invariant is
 * kept here (for partials in `worker-partials.ts`): every frame that counts as merged is in exactly one result that was handed on,
 * or counts as lost.
 *
 * A run is one input in the chain: a frame, or a record of a parcel. `start`, then `took` and `emitted` for each call of an
 * aggregating operator, then `keep`, or `lose` where the input is given up: what an operator took of it is in its state
 * together with frames of other inputs, and cannot be taken out again, so all that it holds is lost and it is made anew.
 * `fill` before the commit of the reference writes all counts at once, with the input.
 *
 * An input counts once, wherever it is: as long as no aggregate took it, with the run; then with that aggregate; then with
 * its result, from which the next aggregate may take it.
 */
export class HeldAggregates {
  readonly #attachment: Attachment;
  readonly #banks: number;
  readonly #sources: number;
  /** By operator; those that do not aggregate have none. */
  readonly #held: readonly (readonly Held[] | undefined)[];
  readonly #changed: Held[] = [];
  readonly #dropped: Held[] = [];
  #source = 0;
  /** Of the run: its input, as long as no aggregate took it, */
  #input = 0;
  #sequence = 0;
  /** and what operator `#from` has just handed on. */
  #from = NOWHERE;
  #frames = 0;
  readonly #numbers = new NumberRanges();
  #handedOn = 0;
  /** Results of the run, and frames in them; then of all runs of the reference. */
  #runResults = 0;
  #runFrames = 0;
  #results = 0;
  #resultFrames = 0;
  #lost = 0;

  /** `merges`: by operator of the chain, whether it aggregates. */
  constructor(attachment: Attachment, banks: number, merges: readonly boolean[]) {
    this.#attachment = attachment;
    this.#banks = banks;
    this.#sources = attachment.plan.sources.length;
    this.#held = merges.map((one) => (one ? attachment.plan.sources.map(() => new Held()) : undefined));
  }

  start(first: FrameView, ends: boolean): void {
    this.#source = first.sourceIndex;
    // What ends a series is no frame of the source's, and is not received.
    this.#input = ends ? 0 : 1;
    this.#sequence = first.sequence;
    this.#forgetResult();
    this.#runResults = 0;
    this.#runFrames = 0;
  }

  /** Operator `at` took a frame, and emitted nothing. */
  took(at: number): void {
    this.#take(at);
  }

  /** Operator `at` took a frame, or was flushed, and emitted what it held; `made`: those of the results that it made. */
  emitted(at: number, results: number, made: readonly FrameView[]): void {
    const held = this.#take(at);
    this.#from = at;
    this.#frames = held.frames;
    this.#numbers.addAll(held.numbers);
    this.#handedOn = results;
    this.#runResults += results;
    held.frames = 0;
    held.numbers.clear();
    for (const [i, result] of made.entries()) stampAggregate(result, i === 0 ? this.#frames : 0, i === 0 ? this.#numbers : undefined);
  }

  /** What operator `at` takes: what one before it has handed on, or else the input. */
  #take(at: number): Held {
    const held = this.#change(at);
    if (this.#from !== NOWHERE && this.#from < at) {
      held.frames += this.#frames;
      held.numbers.addAll(this.#numbers);
      if (this.#handedOn > 0) {
        this.#handedOn--;
        this.#runResults--;
      }
      this.#frames = 0;
      this.#numbers.clear();
      return held;
    }
    this.#leave();
    held.frames += this.#input;
    if (this.#input > 0) held.numbers.add(this.#sequence);
    this.#input = 0;
    return held;
  }

  /** What was handed on last leaves the chain, or ended in it. */
  #leave(): void {
    this.#runFrames += this.#frames;
    this.#forgetResult();
  }

  #forgetResult(): void {
    this.#from = NOWHERE;
    this.#frames = 0;
    this.#numbers.clear();
    this.#handedOn = 0;
  }

  #change(at: number): Held {
    const held = this.#held[at]![this.#source]!;
    if (held.before === UNCHANGED) {
      held.before = held.frames;
      this.#changed.push(held);
    }
    return held;
  }

  /** The end of the series was met, and operator `at` handed nothing on: what it holds of the source will be in no result. */
  drop(at: number): void {
    this.#dropped.push(this.#change(at));
  }

  /** The run succeeded. */
  keep(): void {
    for (const held of this.#dropped) {
      this.#lost += held.frames;
      held.frames = 0;
      held.numbers.clear();
    }
    for (const held of this.#changed) held.before = UNCHANGED;
    this.#dropped.length = 0;
    this.#changed.length = 0;
    this.#leave();
    this.#results += this.#runResults;
    this.#resultFrames += this.#runFrames;
    this.#runResults = 0;
    this.#runFrames = 0;
  }

  /** The input is given up; with its end, all that the operators hold of its source. The operators whose state is void. */
  lose(source: number, ends: boolean): number[] {
    const spoilt: number[] = [];
    for (const [at, held] of this.#held.entries()) {
      const one = held?.[source];
      if (!one || !(ends || one.before !== UNCHANGED)) continue;
      this.#lost += one.before === UNCHANGED ? one.frames : one.before;
      one.frames = 0;
      one.numbers.clear();
      one.before = UNCHANGED;
      spoilt.push(at);
    }
    this.#dropped.length = 0;
    this.#changed.length = 0;
    this.#forgetResult();
    this.#runResults = 0;
    this.#runFrames = 0;
    return spoilt;
  }

  /** Writes the bank that the commit that follows makes the live one. Returns how many frames were lost. */
  fill(source: number): number {
    this.keep();
    const { line } = this.#attachment;
    const record = this.#attachment.word(line + LINE.record);
    const sources = this.#sources;
    const live = liveCountBank(this.#banks, record, sources);
    const next = liveCountBank(this.#banks, record, sources, 1);
    for (let at = 0; at < 4 * AGGREGATE_COUNTS.words * sources; at += 4)
      this.#attachment.setWord(next + at, this.#attachment.word(live + at));
    let frames = 0;
    for (const held of this.#held) if (held) frames += held[source]!.frames;
    const put = (count: number, value: number): void => this.#attachment.setWord(countAddress(next, count, sources, source), value);
    const was = (count: number): number => this.#attachment.word(countAddress(live, count, sources, source));
    put(AGGREGATE_COUNTS.held, frames);
    put(AGGREGATE_COUNTS.lost, (was(AGGREGATE_COUNTS.lost) + this.#lost) | 0);
    put(AGGREGATE_COUNTS.results, (was(AGGREGATE_COUNTS.results) + this.#results) | 0);
    put(AGGREGATE_COUNTS.frames, (was(AGGREGATE_COUNTS.frames) + this.#resultFrames) | 0);
    const lost = this.#lost;
    this.#results = 0;
    this.#resultFrames = 0;
    this.#lost = 0;
    return lost;
  }
}
