import type { FrameView } from '../../frame/frame-view.js';
import type { JoinParams } from '../../operators/join.js';
import type { EdgePlan, StageNode } from '../../plan/plan-types.js';
import { type Attachment, bitIn } from '../thread/attachment.js';
import { readChain } from '../thread/commit-outputs.js';
import { JoinInputs } from './join-inputs.js';

/** The frames of one reference. In a stage that joins: those of the event, and the references of the other inputs. */
export interface Taken {
  readonly inputs: FrameView[];
  readonly joined: FrameView[];
  readonly partners: number[];
}

/** The reading end of a worker: one edge, or several that are joined. */
export class StageInputs {
  readonly edge: EdgePlan;
  readonly join: JoinInputs | undefined;
  /** The thread's bit in the bell of the edge. */
  readonly bit: number;
  readonly #attachment: Attachment;
  readonly #sources: number;
  #source = 0;

  constructor(attachment: Attachment, stage: StageNode) {
    this.#attachment = attachment;
    this.edge = attachment.edgesRead()[0]!;
    this.join = stage.operators[0]?.type === 'join' ? new JoinInputs(attachment, stage) : undefined;
    this.bit = bitIn(this.edge.consumerThreads, attachment.thread);
    this.#sources = attachment.plan.sources.length;
  }

  /** New parameters of the first operator. */
  use(params: unknown): void {
    this.join?.use(params as JoinParams);
  }

  /** Nothing more comes; what `take` then does not find is not there. */
  get isClosed(): boolean {
    return this.join ? this.join.closed : this.#attachment.isClosed(this.edge);
  }

  /** The next reference, EMPTY or GATE_CLOSED. `read` must follow a reference. */
  take(): number {
    if (this.join) return this.join.take();
    if (this.#sources > 1) this.#source = (this.#source + 1) % this.#sources;
    return this.#attachment.ring.take(this.edge.ring, this.#source);
  }

  read(reference: number, { inputs, joined, partners }: Taken): void {
    if (this.join) this.join.hand(inputs, joined, partners);
    else readChain(this.#attachment, reference, inputs);
  }

  /** Whether what was read last is a frame without a partner. */
  get isUnmatched(): boolean {
    return this.join?.isUnmatched ?? false;
  }
}
