import type { FrameView } from '../../frame/frame-view.js';
import type { Route } from '../../plan/routes.js';
import { EMPTY, LINE, SETTLE, SLOT_MASK } from '../../ring/ring-layout.js';
import type { Attachment } from './attachment.js';
import { edgeFor } from './route-by-key.js';

/** Fills the records of a thread's line. Plain words: the commit that follows publishes them. */
export class RecordWriter {
  readonly #attachment: Attachment;
  #inputs = 0;
  #outputs = 0;
  #settlements = 0;

  constructor(attachment: Attachment) {
    this.#attachment = attachment;
  }

  start(): void {
    this.#inputs = 0;
    this.#outputs = 0;
    this.#settlements = 0;
  }

  input(reference: number): void {
    this.#attachment.setWord(this.#attachment.line + LINE.inputReferences + 4 * this.#inputs++, reference);
  }

  settle(source: number, ordinal: number, leaves: number, code: number): void {
    const at = this.#attachment.line + LINE.settleItems + SETTLE.bytes * this.#settlements++;
    this.#attachment.setWord(at + SETTLE.source, source);
    this.#attachment.setWord(at + SETTLE.ordinal, ordinal);
    this.#attachment.setWord(at + SETTLE.leaves, leaves);
    this.#attachment.setWord(at + SETTLE.code, code);
  }

  /** Ends those records of a parcel whose byte is not 0, by that less one; there is one for each record from `address` on. */
  settleEach(source: number, ordinal: number, leaves: number, address: number): void {
    this.settle(source, ordinal, leaves, address);
  }

  /** Hands a frame on by every route, each by its branch. */
  outputs(head: FrameView, routes: readonly Route[]): void {
    const { plan, line } = this.#attachment;
    for (const route of routes) {
      const at = line + LINE.outputReferences + 8 * this.#outputs++;
      this.#attachment.setWord(at, head.slot | (route.branch << 24));
      this.#attachment.setWord(at + 4, plan.edges[edgeFor(route, head)]!.ring);
    }
  }

  get outputCount(): number {
    return this.#outputs;
  }

  commit(frames: number, bytes: number): number {
    return this.#attachment.gated.commit(this.#inputs, this.#outputs, this.#settlements, frames, bytes);
  }
}

function branchMask(routes: readonly Route[]): number {
  let mask = 0;
  for (let i = 0; i < routes.length; i++) mask |= 1 << routes[i]!.branch;
  return mask;
}

/**
 * Puts the outputs of one input into the record. If the input was passed on unchanged, its own reference continues;
 * otherwise the outputs form a chain whose head has the branches, and the input is released.
 */
export function recordOutputs(
  attachment: Attachment,
  record: RecordWriter,
  reference: number,
  passesOn: boolean,
  outputs: readonly FrameView[],
  routes: readonly Route[],
): void {
  const head = outputs[0]!;
  if (passesOn) {
    const own = 1 << (reference >>> 24);
    const others = branchMask(routes) & ~own;
    if (others) attachment.gated.fanHeld(reference, others);
  } else {
    for (let i = 0; i < outputs.length; i++) {
      const output = outputs[i]!;
      if (output.records === 0) output.store();
      if (i > 0) attachment.gated.link(outputs[i - 1]!.slot, output.slot);
    }
    attachment.gated.fanClaimed(head.slot, branchMask(routes));
    record.input(reference);
  }
  record.outputs(head, routes);
}

/** All frames of a chain, head first, into an array that the caller keeps. */
export function readChain(attachment: Attachment, reference: number, into: FrameView[]): FrameView[] {
  into.length = 0;
  for (let slot = reference & SLOT_MASK; slot !== EMPTY; slot = attachment.nextInChain(slot))
    into.push(attachment.frame(slot).load(attachment.sourceNames));
  return into;
}
