import type { Meta } from '../../frame/frame.js';
import type { FrameView } from '../../frame/frame-view.js';
import type { MetaKey } from '../../plan/plan-types.js';
import type { EdgeChoice, Route } from '../../plan/routes.js';

/**
 * The edge over which a frame goes by a route, as an index into the plan's: where there are several, the producer chooses by
 * the frame's key. What carries only the end of a series has none, and goes over the first. A parcel goes as its first
 * record does, and so do all that are in it (`sameWays`).
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
      return shardOf(frame, choice.shards, choice.byBlock);
    case 'meta':
      return hash(ownValue(frame.meta, choice.name));
  }
}

/** The shard of a frame: of a source that sends parcels, by blocks of its records. */
export const shardOf = ({ ordinal, block }: FrameView, shards: number, byBlock: boolean): number =>
  (byBlock ? block : ordinal >>> 0) % shards;

/** Whether what has one meta goes the same way as what has the other, at every stage that chooses by a key of it. */
export function sameWays(keys: readonly MetaKey[], a: Meta, b: Meta): boolean {
  for (let i = 0; i < keys.length; i++) {
    const { name, workers } = keys[i]!;
    const ofA = ownValue(a, name);
    const ofB = ownValue(b, name);
    if (ofA !== ofB && hash(ofA) % workers !== hash(ofB) % workers) return false;
  }
  return true;
}

/** What every object has, such as `constructor`, is no key of the meta. */
const ownValue = (meta: Meta, name: string): unknown => (Object.hasOwn(meta, name) ? meta[name] : undefined);

/** FNV-1a (draft-eastlake-fnv) over the UTF-16 code units of a text, or of the JSON of another value; a missing one counts as a key too. */
function hash(value: unknown): number {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  let sum = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193);
  // The low bits of FNV-1a are poor for short texts, and few edges take only those.
  return (sum ^ (sum >>> 15)) >>> 0;
}
