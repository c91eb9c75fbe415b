import type { DType } from '../frame/dtype.js';
import type { SourcePlan } from '../ingress/ingress.js';
import { sourceLoader } from '../ingress/load-source.js';
import type { EdgeSpec, PipelineSpec, SourceSpec } from './spec.js';

/** Frames to be pushed in the place of a source's. */
export interface ReplayedFrames {
  /** Shape and dtype, where all frames have the same. */
  readonly shape?: readonly number[] | undefined;
  readonly dtype?: DType | undefined;
  readonly maxBytes: number;
}

/**
 * The same pipeline for frames that a program pushes: every source is of type `push`, edges block in place of dropping,
 * metrics are not served, and nothing is kept as a dead letter.
 */
export async function replaySpec(spec: PipelineSpec, frames: ReadonlyMap<string, ReplayedFrames>): Promise<PipelineSpec> {
  const { metrics: _, deadLetters: __, ...rest } = spec;
  const sources: Record<string, SourceSpec> = {};
  for (const [name, source] of Object.entries(spec.sources)) sources[name] = await pushed(source, spec.baseDir, frames.get(name));
  const blocks = <T extends EdgeSpec>(nodes: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(nodes).map(([name, node]) => [name, { ...node, overflow: { kind: 'block' } }]));
  return { ...rest, sources, stages: blocks(spec.stages), sinks: blocks(spec.sinks) };
}

/** Of a source that neither knows nor says how large its frames are. The frames that are replayed may need more, what operators make of them seldom does. */
const UNKNOWN_FRAME_BYTES = 16 * 2 ** 20;

async function pushed(source: SourceSpec, baseDir: string, frames: ReplayedFrames | undefined): Promise<SourceSpec> {
  const known = await knownOf(source, baseDir);
  const shape = frames ? frames.shape : known.shape;
  const dtype = frames ? frames.dtype : known.dtype;
  // Not less than the source had: what operators make may be larger than what they are given.
  const before = source.maxFrameBytes ?? known.maxFrameBytes ?? UNKNOWN_FRAME_BYTES;
  const { place, slots, codec } = source;
  return {
    type: 'push',
    options: { ...(shape ? { shape } : {}), ...(dtype ? { dtype } : {}) },
    codec,
    maxFrameBytes: Math.max(before, frames?.maxBytes ?? 0),
    ...(slots === undefined ? {} : { slots }),
    ...(place ? { place } : {}),
  };
}

/** The information that the source itself would give the planner. The source need not exist any more. */
async function knownOf({ type, options }: SourceSpec, baseDir: string): Promise<SourcePlan> {
  try {
    return (await (await sourceLoader.load(type, baseDir)).definition.plan?.(options, { baseDir })) ?? {};
  } catch {
    return {};
  }
}
