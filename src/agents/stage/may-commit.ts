import type { StageNode } from '../../plan/plan-types.js';
import type { Attachment } from '../thread/attachment.js';
import { edgeFor } from '../thread/route-by-key.js';
import type { LaneTask } from './lane-task.js';

/** Whether every ordered edge would take the results now. */
export function mayCommit(attachment: Attachment, stage: StageNode, task: LaneTask): boolean {
  const input = task.inputs[0]!;
  const outputs = input.records === 0 ? task.lane.outputs : task.parcel.passesOn ? task.inputs : task.parcel.outputs;
  const head = outputs[0];
  if (task.outcome >= 0 || !head) return true;
  const { sourceIndex, ordinal } = input;
  for (const route of stage.routes[sourceIndex]![task.reference >>> 24]!) {
    const edge = attachment.plan.edges[edgeFor(route, head)]!;
    // A sampled edge waits as a blocking one does: a result committed too early would block the result that it waits
    // for.
    const waits = edge.kind === 'ordered' && (edge.overflow === 'block' || edge.overflow === 'sample');
    if (waits && !attachment.admits(edge, sourceIndex, ordinal)) return false;
  }
  return true;
}
