import type { Attachment } from '../../../src/agents/thread/attachment.js';
import { RecordWriter, readChain } from '../../../src/agents/thread/commit-outputs.js';
import type { FrameView } from '../../../src/frame/frame-view.js';
import { OUTCOME } from '../../../src/observe/outcome.js';
import type { EdgePlan } from '../../../src/plan/plan-types.js';
import { LINE } from '../../../src/ring/ring-layout.js';
import { check } from './payload.js';
import type { SimThread, SimWorld, Sleep, Wait } from './sim-thread.js';

export class SimSink implements SimThread {
  asleep?: Sleep;
  readonly #edge: EdgePlan;
  readonly #record: RecordWriter;
  readonly #chain: FrameView[] = [];
  #batch: { ordinal: number; output: number }[] = [];
  #before = 0;

  constructor(
    readonly simulation: SimWorld,
    readonly attachment: Attachment,
    readonly name: string,
  ) {
    this.#edge = attachment.edgeInto(name);
    this.#record = new RecordWriter(attachment);
  }

  turn(): Wait | undefined {
    const { attachment } = this;
    this.#batch = [];
    this.#before = attachment.word(attachment.line + LINE.record);
    const count = attachment.ring.takeN(this.#edge.ring, 0, 1 + this.simulation.random(4));
    if (count <= 0) return { bell: this.#edge.itemBell, members: this.#edge.consumerThreads };
    const record = this.#record;
    record.start();
    for (let i = 0; i < count; i++) {
      const reference = attachment.word(attachment.line + LINE.batch + 4 * i);
      const frames = readChain(attachment, reference, this.#chain);
      for (const [output, frame] of frames.entries()) {
        check(frame, frames[0]!.ordinal, output);
        this.#batch.push({ ordinal: frames[0]!.ordinal, output });
      }
      record.settle(0, frames[0]!.ordinal, this.#edge.leaves[0]![reference >>> 24]!, OUTCOME.delivered);
      record.input(reference);
    }
    record.commit(count, 0);
    this.#deliver();
    return undefined;
  }

  #deliver(): void {
    this.simulation.taken[this.name]!.push(...this.#batch);
    this.#batch = [];
  }

  /** What its record says was delivered is delivered. */
  died(): void {
    if (this.attachment.word(this.attachment.line + LINE.record) >>> 1 !== this.#before >>> 1) this.#deliver();
  }

  close(): void {}
}
