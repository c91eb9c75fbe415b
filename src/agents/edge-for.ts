import type { FrameView } from '../frame/frame-view.js';
import type { EdgeChoice, Route } from '../pipeline/routes.js';

/**
 * The edge over which a frame goes by a route, as an index into the plan's: where there are several, the producer chooses by
 * the frame's key. What carries only the end of a series has none, and goes over the first.
 */
export function edgeFor({ edges, choice }: Route, frame: FrameView): number {
  if (edges.length === 1 || !choice || frame.empty) return edges[0]!;
  return edges[keyOf(choice, frame) % edges.length]!;
}

/** A number that is the same for all frames of one key. */
function keyOf(choice: EdgeChoice, frame: FrameView): number {
  switch (choice.kind) {
    case 'source':
      return frame.sourceIndex;
    case 'ordinal':
      return Math.floor((frame.ordinal >>> 0) / choice.block);
    case 'shard':
      return (frame.ordinal >>> 0) % choice.shards;
    case 'meta':
      return hash(frame.meta[choice.name]);
  }
}

/** FNV-1a (draft-eastlake-fnv) over the UTF-16 code units of a text, or of the JSON of another value; a missing one counts as a key too. */
function hash(value: unknown): number {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  let sum = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193);
  // The low bits of FNV-1a are poor for short texts, and few edges take only those.
  return (sum ^ (sum >>> 15)) >>> 0;
}
