import type { FrameView } from '../../frame/frame-view.js';
import type { PartialView } from '../../operators/operator.js';
import type { StageNode } from '../../plan/plan-types.js';
import type { Attachment } from '../thread/attachment.js';
import type { NumberRanges } from '../thread/number-ranges.js';
import { WorkerPartials } from './worker-partials.js';

/**
 * What one worker of a stage aggregates: the frames of each source by themselves, since each has series and ends of its own.
 * One reference is under way at a time: a frame, or a parcel with its records one after the other. For each of these, and
 * each time that it is tried, `start`; for each frame that the operator takes of it `open` and `took`; then `keep`, or
 * `discard` after a failure. At the end of a stretch `parts`. Before the commit of the reference `fill`.
 */
export class StagePartials implements PartialView {
  readonly bytes: number;
  readonly #all: readonly WorkerPartials[];
  readonly #bySource: readonly (WorkerPartials | undefined)[];
  #current: WorkerPartials;

  constructor(attachment: Attachment, stage: StageNode, worker: number) {
    this.#all = stage.aggregates.map((plan) => new WorkerPartials(attachment, stage, plan, worker));
    this.#bySource = attachment.plan.sources.map(({ index }) => this.#all.find(({ source }) => source === index));
    this.#current = this.#all[0]!;
    this.bytes = stage.aggregates[0]!.bytes;
  }

  get address(): number {
    return this.#current.address;
  }

  get data(): Uint8Array {
    return this.#current.data;
  }

  /** A frame or record comes, or comes again after a failure; `last`: the last one where a reference is several frames. */
  start(last: FrameView): void {
    this.#current = this.#bySource[last.sourceIndex]!;
    this.#current.start(last);
  }

  open(frame: FrameView): void {
    this.#current.open(frame);
  }

  took(sequence: number): void {
    this.#current.took(sequence);
  }

  keep(): void {
    this.#current.keep();
  }

  discard(): void {
    this.#current.discard();
  }

  parts(): readonly Uint8Array[] {
    return this.#current.parts();
  }

  /** The merged result is handed on: how many frames it holds, and which. */
  handOn(): { readonly frames: number; readonly numbers: NumberRanges } {
    return this.#current.handOn();
  }

  /**
   * Writes the banks that the commit that follows makes the live ones: of every source, since one record word chooses. Returns
   * how many frames of the present source were lost.
   */
  fill(failed: boolean): number {
    let lost = 0;
    for (const one of this.#all) {
      if (one === this.#current) lost = one.fill(failed);
      else one.carry();
    }
    return lost;
  }
}
