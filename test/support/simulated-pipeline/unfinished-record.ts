import type { Attachment } from '../../../src/agents/thread/attachment.js';
import { LINE } from '../../../src/ring/ring-layout.js';
import type { Wait } from './sim-thread.js';

/** What a commit left to hand over. */
export class UnfinishedRecord {
  readonly #attachment: Attachment;
  #done = 0;
  #outputs = 0;

  /** A record that a thread before this one had committed is finished first. */
  constructor(attachment: Attachment) {
    this.#attachment = attachment;
    if (attachment.word(attachment.line + LINE.record) & 1) this.#outputs = attachment.word(attachment.line + LINE.outputs);
  }

  begin(done: number, outputs: number): void {
    this.#done = done;
    this.#outputs = outputs;
  }

  get isLeft(): boolean {
    return this.#done < this.#outputs || (this.#attachment.word(this.#attachment.line + LINE.record) & 1) === 1;
  }

  resume(): Wait | undefined {
    const { plan, ring, line } = this.#attachment;
    const before = this.#done;
    this.#done = ring.resume(before);
    if (this.#done > before || !this.isLeft) return undefined;
    const to = this.#attachment.word(line + LINE.outputReferences + 8 * this.#done + 4);
    const edge = plan.edges.find((one) => one.ring === to)!;
    return { bell: edge.spaceBell, members: edge.producerThreads };
  }
}
