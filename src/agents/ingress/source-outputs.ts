import type { FrameView } from '../../frame/frame-view.js';
import type { SourceNode } from '../../plan/plan-types.js';
import { LINE, SLOT_MASK } from '../../ring/ring-layout.js';
import type { Attachment } from '../thread/attachment.js';
import { HandOver } from '../thread/hand-over.js';
import { edgeFor } from '../thread/route-by-key.js';

/** The outputs of a source: which edges a frame goes over, its commit, and waiting where an edge has no room. */
export class SourceOutputs {
  readonly #attachment: Attachment;
  readonly #node: SourceNode;
  readonly #branches: number;
  /** Edge index by output, of the frame that was handed on last. */
  readonly #edges: number[];
  readonly #handOver: HandOver;

  constructor(attachment: Attachment, node: SourceNode) {
    this.#attachment = attachment;
    this.#node = node;
    this.#handOver = new HandOver(attachment);
    this.#branches = node.routes.reduce((mask, route) => mask | (1 << route.branch), 0);
    this.#edges = node.routes.map((route) => route.edges[0]!);
    if (!this.#isCommitted) this.#nameEdges();
  }

  /** Before anything else, in a thread that takes another's place: hands over what that had committed and an ordered edge did not admit yet. */
  async begin(): Promise<void> {
    this.#handOver.beginLeft();
    await this.#handOver.finish();
    this.#nameEdges();
  }

  /** Commits a frame as `count` received ones and hands it over; a promise is returned when a blocking edge is full. */
  publish(frame: FrameView, bytes: number, count: number): Promise<void> | undefined {
    const { gated, line } = this.#attachment;
    gated.fanClaimed(frame.slot, this.#branches);
    const { routes } = this.#node;
    for (let i = 0; i < routes.length; i++) {
      this.#attachment.setWord(line + LINE.outputReferences + 8 * i, (frame.slot & SLOT_MASK) | (routes[i]!.branch << 24));
      if (routes[i]!.edges.length > 1) this.#choose(i, frame);
    }
    const done = gated.commitFrame(this.#node.index, this.#node.leaves, this.#edges.length, bytes, count);
    if (done >= this.#edges.length) return undefined;
    this.#handOver.begin(done, this.#edges.length);
    return this.#handOver.finish();
  }

  /** Whether the thread's record is committed and not yet carried out. */
  get #isCommitted(): boolean {
    return (this.#attachment.word(this.#attachment.line + LINE.record) & 1) !== 0;
  }

  /** Where there is no choice, what this thread hands on goes to the same edges by the same branches for ever: only the slot changes. */
  #nameEdges(): void {
    for (const [i, edge] of this.#edges.entries()) this.#nameEdge(i, edge);
  }

  #choose(output: number, frame: FrameView): void {
    const edge = edgeFor(this.#node.routes[output]!, frame);
    this.#edges[output] = edge;
    this.#nameEdge(output, edge);
  }

  #nameEdge(output: number, edge: number): void {
    const { line, plan } = this.#attachment;
    this.#attachment.setWord(line + LINE.outputReferences + 8 * output + 4, plan.edges[edge]!.ring);
  }
}
