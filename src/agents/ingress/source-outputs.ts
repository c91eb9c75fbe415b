import type { FrameView } from '../../frame/frame-view.js';
import type { SourceNode } from '../../plan/plan-types.js';
import { sleepAsync } from '../../ring/park.js';
import { GATE_CLOSED, LINE, SLOT_MASK } from '../../ring/ring-layout.js';
import { type Attachment, bitIn } from '../thread/attachment.js';
import { edgeFor } from '../thread/route-by-key.js';

/** The outputs of a source: which edges a frame goes over, its commit, and waiting where an edge has no room. */
export class SourceOutputs {
  readonly #attachment: Attachment;
  readonly #node: SourceNode;
  readonly #branches: number;
  /** Edge index by output, of the frame that was handed on last. */
  readonly #edges: number[];

  constructor(attachment: Attachment, node: SourceNode) {
    this.#attachment = attachment;
    this.#node = node;
    this.#branches = node.routes.reduce((mask, route) => mask | (1 << route.branch), 0);
    this.#edges = node.routes.map((route) => route.edges[0]!);
    if (!this.#isCommitted) this.#nameEdges();
  }

  /** Before anything else, in a thread that takes another's place: hands over what that had committed and an ordered edge did not admit yet. */
  async begin(): Promise<void> {
    if (this.#isCommitted) {
      const { line, plan } = this.#attachment;
      const rings = Array.from({ length: this.#attachment.word(line + LINE.outputs) }, (_, i) =>
        this.#attachment.word(line + LINE.outputRefs + 8 * i + 4),
      );
      await this.#handOver(
        0,
        rings.map((ring) => plan.edges.findIndex((edge) => edge.ring === ring)),
      );
    }
    this.#nameEdges();
  }

  /** Commits a frame as `count` received ones and hands it over; a promise is returned when a blocking edge is full. */
  publish(frame: FrameView, bytes: number, count: number): Promise<void> | undefined {
    const { ring, line } = this.#attachment;
    this.#attachment.throughGate(() => ring.fanClaimed(frame.slot, this.#branches));
    const { routes } = this.#node;
    for (let i = 0; i < routes.length; i++) {
      this.#attachment.setWord(line + LINE.outputRefs + 8 * i, (frame.slot & SLOT_MASK) | (routes[i]!.branch << 24));
      if (routes[i]!.edges.length > 1) this.#choose(i, frame);
    }
    const done = this.#attachment.throughGate(() =>
      ring.commitFrame(this.#node.index, this.#node.leaves, this.#edges.length, bytes, count),
    );
    return done < this.#edges.length ? this.#handOver(done, this.#edges) : undefined;
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
    this.#attachment.setWord(line + LINE.outputRefs + 8 * output + 4, plan.edges[edge]!.ring);
  }

  async #handOver(from: number, edges: readonly number[]): Promise<void> {
    const { ring, arena, park, plan } = this.#attachment;
    let done = from;
    while (done < edges.length && !this.#attachment.aborted) {
      const edge = plan.edges[edges[done]!]!;
      const before = done;
      await sleepAsync(arena.words, edge.spaceBell, bitIn(edge.producerThreads, this.#attachment.thread), park, () => {
        const result = ring.resume(done);
        if (result !== GATE_CLOSED) done = result;
        return done === before;
      });
    }
  }
}
