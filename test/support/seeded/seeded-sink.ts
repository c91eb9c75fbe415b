import type { Attachment } from '../../../src/agents/thread/attachment.js';
import type { Egress } from '../../../src/egress/egress.js';
import type { Frame } from '../../../src/frame/frame.js';
import type { FrameView } from '../../../src/frame/frame-view.js';
import { checkMark } from './seeded-operators.js';

/** A sink that notes the ordinals of what it takes, by source: once for the outputs, or the records, of one input. */
export class SeededSink implements Egress {
  readonly taken: number[][];
  readonly #attachment: Attachment;

  constructor(attachment: Attachment) {
    this.#attachment = attachment;
    this.taken = attachment.plan.sources.map(() => []);
  }

  async open(): Promise<void> {}

  write(frames: readonly Frame[]): undefined {
    let before: FrameView | undefined;
    for (const frame of frames as readonly FrameView[]) {
      checkMark(frame);
      if (!before || !this.#isOfSameInput(before, frame)) this.taken[frame.sourceIndex]!.push(frame.ordinal);
      before = frame;
    }
  }

  /** Outputs of one input are a chain; records of one parcel have rising numbers. */
  #isOfSameInput(before: FrameView, frame: FrameView): boolean {
    if (frame.slot >= 0) return before.slot >= 0 && this.#attachment.nextInChain(before.slot) === frame.slot;
    const rises = frame.index > before.index || (frame.index === before.index && frame.output > before.output);
    return before.slot < 0 && frame.sourceIndex === before.sourceIndex && frame.ordinal === before.ordinal && rises;
  }

  async close(): Promise<void> {}
}
