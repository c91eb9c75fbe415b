import type { Attachment } from '../../../src/agents/thread/attachment.js';
import { GatedRing } from '../../../src/agents/thread/gated-ring.js';
import type { RingOperations } from '../../../src/ring/ring-operations.js';

/** Puts operations of the test in place of some of a thread's. Before its agents are made. */
export function replaceOperations(attachment: Attachment, operations: Partial<RingOperations>): void {
  const ring = { ...attachment.ring, ...operations };
  Object.assign(attachment, { ring, gated: new GatedRing(ring, attachment.arena.words) });
}
