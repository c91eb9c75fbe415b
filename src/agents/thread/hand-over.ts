import { GATE_CLOSED, LINE } from '../../ring/ring-layout.js';
import type { Wait } from './agent.js';
import { type Attachment, bitIn } from './attachment.js';

/** Hands over the outputs of a commit for which their edges had no room: one attempt at a look, until none is left. */
export class HandOver implements Wait {
  bell = 0;
  bit = 0;
  readonly #attachment: Attachment;
  #done = 0;
  #outputs = 0;

  constructor(attachment: Attachment) {
    this.#attachment = attachment;
  }

  /** After a commit of this many outputs, of which `done` were handed over. */
  begin(done: number, outputs: number): void {
    this.#done = done;
    this.#outputs = outputs;
  }

  /** In a thread that takes another's place: what that had committed and not handed over. */
  beginLeft(): void {
    const { gated, line } = this.#attachment;
    if ((this.#attachment.word(line + LINE.record) & 1) === 0) return;
    this.begin(gated.resume(0), this.#attachment.word(line + LINE.outputs));
  }

  /** Where to wait for room; undefined when all is handed over. */
  get wait(): Wait | undefined {
    if (this.#done >= this.#outputs) return undefined;
    const { line, plan, thread } = this.#attachment;
    const ring = this.#attachment.word(line + LINE.outputReferences + 8 * this.#done + 4);
    const edge = plan.edges.find((one) => one.ring === ring)!;
    this.bell = edge.spaceBell;
    this.bit = bitIn(edge.producerThreads, thread);
    return this;
  }

  look(): boolean {
    const before = this.#done;
    const done = this.#attachment.ring.resume(before);
    if (done === GATE_CLOSED) return false;
    this.#done = done;
    return done > before;
  }

  /** Resolves when all is handed over, or the run is aborted. */
  async finish(): Promise<void> {
    for (let wait = this.wait; wait && !this.#attachment.aborted; wait = this.wait) await this.#attachment.sleep(wait);
  }
}
