import type { Attachment } from '../../../src/agents/thread/attachment.js';
import type { Egress } from '../../../src/egress/egress.js';
import type { Frame } from '../../../src/frame/frame.js';
import { LINE } from '../../../src/ring/ring-layout.js';
import { checkMark } from './seeded-operators.js';

export interface TakenFrame {
  readonly ordinal: number;
  /** Its number among the outputs of its input. */
  readonly output: number;
}

/** A sink that counts a batch as taken when the commit of its thread has settled it, whether the thread then lives or not. */
export class SettledSink implements Egress {
  readonly #attachment: Attachment;
  readonly #taken: TakenFrame[];
  #batch: TakenFrame[] = [];
  #before = 0;

  /** `taken`: where its frames go. */
  constructor(attachment: Attachment, taken: TakenFrame[]) {
    this.#attachment = attachment;
    this.#taken = taken;
  }

  async open(): Promise<void> {}

  write(frames: readonly Frame[]): undefined {
    this.settle();
    for (const frame of frames) {
      checkMark(frame);
      this.#batch.push({ ordinal: frame.ordinal, output: Number(frame.meta.output ?? 0) });
    }
    this.#before = this.#commits;
  }

  /** After a death too. */
  settle(): void {
    if (this.#commits !== this.#before) this.#taken.push(...this.#batch);
    this.#batch = [];
  }

  get #commits(): number {
    return this.#attachment.word(this.#attachment.line + LINE.record) >>> 1;
  }

  async close(): Promise<void> {}
}
