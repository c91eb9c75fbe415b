import { MillraceError } from '../errors/errors.js';
import { MAX_THREADS } from '../ring/ring-layout.js';
import type { PipelineSpec } from '../spec/spec.js';
import { checkOrder } from './check-order.js';
import { type Attempt, chooseSizes, LEAST_FRAME_BYTES, TIGHTEST } from './choose-sizes.js';
import type { KnownDraft, ParcelsHere, PlanOptions, PlanWithTables } from './draft.js';
import { draftSizes } from './draft-sizes.js';
import { layOut } from './lay-out.js';
import { type LoadedSink, type LoadedSource, loadSink, loadSource } from './load-connectors.js';
import { type MemoryBudget, memoryBudget } from './memory-budget.js';
import { parcelsOf } from './parcels-of.js';
import { PlanIssues } from './plan-issues.js';
import { type FrameKind, type PreparedStage, prepareStage } from './prepare-stage.js';
import { routesOf } from './routes.js';
import { inOrder } from './stage-order.js';
import { tooLarge } from './too-large.js';

/** A sink takes at most this many records at a time, or one parcel. */
const RECORDS_A_BATCH = 4096;

/** What sources and sinks say of themselves. */
interface Nodes {
  readonly sources: ReadonlyMap<string, LoadedSource>;
  readonly sinks: ReadonlyMap<string, LoadedSink>;
  /** Of sources that could be described. `maxBytes` is undefined where a source neither knows nor gives the size of its frames. */
  readonly frames: ReadonlyMap<string, SourceFrames>;
  readonly lends: ReadonlyMap<string, number>;
  readonly batches: ReadonlyMap<string, number>;
  readonly holds: ReadonlyMap<string, number>;
}

interface SourceFrames extends Omit<FrameKind, 'maxBytes' | 'chained'> {
  readonly maxBytes: number | undefined;
}

/** Of a stage that cannot be prepared, so that the checks of the others can go on. */
const UNKNOWN_FRAMES: FrameKind = { shape: undefined, dtype: undefined, maxBytes: 0, chained: 1 };
const UNPREPARED: PreparedStage = {
  operators: [],
  preparedWith: [],
  definitions: [],
  output: UNKNOWN_FRAMES,
  madeBytes: 0,
  maxOutputs: 1,
  passes: true,
  flushes: false,
  mayBeAsync: false,
};

/**
 * Decides threads, edges, pools and sizes, and lets sources, operators and sinks check and prepare themselves. Sizes that the
 * pipeline gives are kept, the others are chosen to fit the budget of memory. Throws ERR_CONFIG_*: one mistake as it is,
 * several as a ConfigError that lists all.
 */
export async function plan(spec: PipelineSpec, options: PlanOptions = {}): Promise<PlanWithTables> {
  const budget = options.budget ?? memoryBudget(spec.memoryBytes);
  const attempts = await attemptsOf(spec, options, budget);
  if (options.tightness) return attempts.at(LEAST_FRAME_BYTES, options.tightness);
  const planned = await chooseSizes(attempts.at, attempts.isOpen, budget.bytes);
  if (planned) return planned;
  throw await tooLarge(spec, budget, async (changed) => (await attemptsOf(changed, options, budget)).at(LEAST_FRAME_BYTES, TIGHTEST));
}

/** How to lay the pipeline out with sizes that are still to be chosen. */
async function attemptsOf(spec: PipelineSpec, options: PlanOptions, budget: MemoryBudget): Promise<{ at: Attempt; isOpen: boolean }> {
  const issues = new PlanIssues();
  const nodes = await describeNodes(spec, issues);
  const prepared = new Map<number, Promise<KnownDraft>>();
  const at: Attempt = async (frameBytes, tightness) => {
    const known = prepared.get(frameBytes) ?? prepare(spec, options, nodes, frameBytes, issues);
    prepared.set(frameBytes, known);
    const draft = draftSizes(await known, tightness, issues);
    const placed = layOut(draft, issues);
    issues.throwIfAny();
    return { ...placed, tightness, budget };
  };
  return { at, isOpen: [...nodes.frames.values()].some(({ maxBytes }) => maxBytes === undefined) };
}

async function describeNodes({ sources, sinks, baseDir }: PipelineSpec, issues: PlanIssues): Promise<Nodes> {
  const loadedSources = new Map<string, LoadedSource>();
  const loadedSinks = new Map<string, LoadedSink>();
  const frames = new Map<string, SourceFrames>();
  const lends = new Map<string, number>();
  for (const [name, source] of Object.entries(sources)) {
    const described = await issues.attemptAsync(async () => {
      const loaded = await loadSource(name, source, baseDir);
      loadedSources.set(name, loaded);
      const { definition } = loaded;
      lends.set(name, definition.lends?.(source.options) ?? 0);
      const { shape, dtype, maxFrameBytes } = (await definition.plan?.(source.options, { baseDir })) ?? {};
      return { shape, dtype, maxBytes: source.maxFrameBytes ?? maxFrameBytes };
    });
    if (described) frames.set(name, described);
  }
  const batches = new Map<string, number>();
  const holds = new Map<string, number>();
  for (const [name, sink] of Object.entries(sinks)) {
    await issues.attemptAsync(async () => {
      const loaded = await loadSink(name, sink, baseDir);
      loadedSinks.set(name, loaded);
      const { definition } = loaded;
      await definition.check?.(sink.options, { baseDir });
      batches.set(name, definition.batch ?? 1);
      holds.set(name, definition.holds?.(sink.options) ?? 0);
    });
  }
  return { sources: loadedSources, sinks: loadedSinks, frames, lends, batches, holds };
}

/** Prepares the stages, with frames of at most `frameBytes` from the sources that do not know theirs. */
async function prepare(
  spec: PipelineSpec,
  options: PlanOptions,
  nodes: Nodes,
  frameBytes: number,
  issues: PlanIssues,
): Promise<KnownDraft> {
  const known = new Map<string, FrameKind>();
  for (const [name, { shape, dtype, maxBytes = frameBytes }] of nodes.frames) known.set(name, { shape, dtype, maxBytes, chained: 1 });
  const stages = new Map<string, PreparedStage>();
  const order = inOrder(spec);
  for (const name of order) {
    const stage = spec.stages[name]!;
    const from = stage.from.flatMap((one) => known.get(one) ?? []);
    const input = from.length === stage.from.length ? { kind: mergeKinds(from), from } : undefined;
    const prepared = await prepareStage(name, stage, input, spec.baseDir, issues);
    stages.set(name, prepared ?? UNPREPARED);
    if (prepared) known.set(name, prepared.output);
  }
  if (!options.unchecked) checkOrder(spec, stages, order, issues);
  const threads = Object.values(spec.stages).reduce((sum, { workers }) => sum + workers, nodes.frames.size + nodes.batches.size);
  if (threads > MAX_THREADS)
    issues.add(new MillraceError('ERR_CONFIG_PROMISE', `the pipeline has ${threads} threads, and the limit is ${MAX_THREADS}`));
  const routes = Object.keys(spec.sources).flatMap((source) => issues.attempt(() => routesOf(spec, source)) ?? []);
  if (routes.length < Object.keys(spec.sources).length) issues.throwIfAny();
  const parcels = parcelsOf(spec, routes, issues);
  const batches = new Map([...nodes.batches].map(([name, batch]) => [name, batchOf(batch, parcels.get(name))]));
  const named = [...Object.keys(spec.sources), ...Object.keys(spec.stages)];
  const input = new Map(named.map((name) => [name, known.get(name) ?? UNKNOWN_FRAMES]));
  const { sources, sinks, holds, lends } = nodes;
  return { spec, routes, sources, sinks, stages, input, batches, holds, lends, parcels, options };
}

const batchOf = (batch: number, parcels: ParcelsHere | undefined): number =>
  parcels ? Math.max(1, Math.min(batch, Math.floor(RECORDS_A_BATCH / parcels.maxRecords))) : batch;

function mergeKinds(kinds: readonly FrameKind[]): FrameKind {
  const [first] = kinds;
  const sameShape = kinds.every((kind) => JSON.stringify(kind.shape) === JSON.stringify(first!.shape));
  const sameDtype = kinds.every((kind) => kind.dtype === first!.dtype);
  return {
    shape: sameShape ? first!.shape : undefined,
    dtype: sameDtype ? first!.dtype : undefined,
    maxBytes: Math.max(...kinds.map((kind) => kind.maxBytes)),
    chained: Math.max(...kinds.map((kind) => kind.chained)),
  };
}
