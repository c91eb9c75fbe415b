import { SINKS } from '../egress/registry.js';
import { MillraceError } from '../errors/errors.js';
import { MAX_PARCEL_BYTES, recordsOf } from '../frame/parcel-layout.js';
import { SOURCES } from '../ingress/registry.js';
import { ARENA_MAX_BYTES } from '../memory/arena.js';
import { powerOfTwo } from '../memory/power-of-two.js';
import { MAX_THREADS } from '../ring/ring-layout.js';
import { isJoin } from '../spec/join-stage.js';
import { DEFAULTS, type EdgeSpec, isKeyed, type PipelineSpec, type StageSpec } from '../spec/spec.js';
import { checkOrder } from './check-order.js';
import { checkParameters } from './check-parameters.js';
import { type Draft, type DraftEdge, type ParcelsHere, type PlanOptions, type PlanWithTables, parcelSlots } from './draft.js';
import { layOut } from './lay-out.js';
import type { Plan } from './plan-types.js';
import { type FrameKind, type PreparedStage, prepareStage } from './prepare-stage.js';
import { leavesOver, routesOf, type SourceRoutes } from './routes.js';

/** Capacities that the pipeline does not name shrink to this before the plan is refused. */
const MIN_CAPACITY = 4;

const MIB = 2 ** 20;
/** Default sizes of a frame, tried one after the other until the arena holds them: Pilatus 6M and Eiger2 4M need 24 and 18 MiB. */
const SMALLER_FRAMES = [DEFAULTS.maxFrameBytes, 24 * MIB, 18 * MIB, 16 * MIB, 12 * MIB, 8 * MIB, 4 * MIB, 2 * MIB];
const LEAST_FRAME_BYTES = MIB;

const MIN_PARCEL_BYTES = 4096;
/** Size of a stage's slot, in parcels. */
const GROWTH = 8;
/** A sink takes so many records at a time, or one parcel. */
const RECORDS_A_BATCH = 4096;

/**
 * Decides threads, edges, pools and sizes, and lets sources and operators check and prepare themselves. Where frames of the
 * default `maxFrame` do not fit into the arena, the sources that were given none get the largest size that fits. Throws
 * ERR_CONFIG_*.
 */
export async function plan(spec: PipelineSpec, options: PlanOptions = {}): Promise<PlanWithTables> {
  const isOpen = Object.values(spec.sources).some(({ maxFrameBytes }) => maxFrameBytes === undefined);
  for (const size of isOpen ? SMALLER_FRAMES : []) {
    try {
      return await planFrames(spec, options, size);
    } catch (thrown) {
      if (!(thrown instanceof MillraceError && thrown.code === 'ERR_CONFIG_MEMORY')) throw thrown;
    }
  }
  return planFrames(spec, options, LEAST_FRAME_BYTES);
}

/** @param maxFrameBytes of the sources that neither know nor say how large their frames are */
async function planFrames(spec: PipelineSpec, options: PlanOptions, maxFrameBytes: number): Promise<PlanWithTables> {
  const input = new Map<string, FrameKind>();
  const lends = new Map<string, number>();
  for (const [name, source] of Object.entries(spec.sources)) {
    const definition = SOURCES.get(source.type);
    if (!definition) throw new MillraceError('ERR_CONFIG_INVALID', `source '${name}': there is no source type '${source.type}'`);
    checkParameters(definition.options, source.options, `sources.${name}`, source.place);
    lends.set(name, definition.lends?.(source.options) ?? 0);
    const known = (await definition.plan?.(source.options, { baseDir: spec.baseDir })) ?? {};
    input.set(name, {
      shape: known.shape,
      dtype: known.dtype,
      maxBytes: source.maxFrameBytes ?? known.maxFrameBytes ?? maxFrameBytes,
      chained: 1,
    });
  }
  const batches = new Map<string, number>();
  const holds = new Map<string, number>();
  for (const [name, sink] of Object.entries(spec.sinks)) {
    const definition = SINKS.get(sink.type);
    if (!definition) throw new MillraceError('ERR_CONFIG_INVALID', `sink '${name}': there is no sink type '${sink.type}'`);
    checkParameters(definition.options, sink.options, `sinks.${name}`, sink.place);
    await definition.check?.(sink.options, { baseDir: spec.baseDir });
    batches.set(name, definition.batch);
    holds.set(name, definition.holds?.(sink.options) ?? 0);
  }
  const stages = new Map<string, PreparedStage>();
  for (const name of inOrder(spec)) {
    const stage = spec.stages[name]!;
    const from = stage.from.map((one) => input.get(one) as FrameKind);
    const prepared = await prepareStage(name, stage, mergeKinds(from), from, spec.baseDir);
    stages.set(name, prepared);
    input.set(name, prepared.output);
  }
  if (!options.unchecked) checkOrder(spec, stages, inOrder(spec));
  const routes = Object.keys(spec.sources).map((source) => routesOf(spec, source));
  const parcels = parcelsOf(spec, routes);
  for (const [name, { maxRecords }] of parcels)
    if (batches.has(name)) batches.set(name, Math.max(1, Math.min(batches.get(name)!, Math.floor(RECORDS_A_BATCH / maxRecords))));
  for (let divisor = 1; ; divisor *= 2) {
    const draft = size({ spec, routes, stages, input, batches, holds, lends, parcels, options }, divisor);
    const result = layOut(draft);
    if (result.plan.threads.length > MAX_THREADS)
      throw new MillraceError(
        'ERR_CONFIG_PROMISE',
        `${result.plan.threads.length} threads are more than the ${MAX_THREADS} that a pipeline may have`,
      );
    if (result.plan.bytes <= ARENA_MAX_BYTES) return result;
    if (DEFAULTS.capacity / divisor <= MIN_CAPACITY) throw tooLarge(result.plan);
  }
}

function parcelsOf(spec: PipelineSpec, routes: readonly SourceRoutes[]): Map<string, ParcelsHere> {
  const parcels = new Map<string, ParcelsHere>();
  for (const [index, [name, { parcel, place }]] of Object.entries(spec.sources).entries()) {
    if (!parcel) continue;
    if (parcel.bytes < MIN_PARCEL_BYTES || parcel.bytes > MAX_PARCEL_BYTES) {
      const message = `source '${name}': a parcel has ${MIN_PARCEL_BYTES} to ${MAX_PARCEL_BYTES} bytes, not ${parcel.bytes}`;
      throw new MillraceError('ERR_CONFIG_PROMISE', message, place ? { place } : {});
    }
    for (const node of routes[index]!.paths.flat()) {
      const stage = spec.stages[node];
      if (isJoin(stage)) {
        const message = `stage '${node}' joins frames by their ordinals and numbers, and '${name}' sends parcels of many: leave out its parcel`;
        throw new MillraceError('ERR_CONFIG_PROMISE', message, stage?.place ? { place: stage.place } : {});
      }
      const before = parcels.get(node);
      parcels.set(node, {
        maxRecords: Math.max(before?.maxRecords ?? 0, recordsOf(parcel.bytes)),
        bytes: Math.max(before?.bytes ?? 0, parcel.bytes),
      });
    }
  }
  return parcels;
}

/** What operators make of records may be larger than these; a record whose outputs find no room is dead as `operator-output`. */
function slotForParcels(spec: PipelineSpec, owner: string, parcels: ReadonlyMap<string, ParcelsHere>): number {
  const source = spec.sources[owner];
  return source ? (source.parcel?.bytes ?? 0) : GROWTH * (parcels.get(owner)?.bytes ?? 0);
}

function tooLarge(plan: Plan): MillraceError {
  const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  const pools = plan.pools.map((pool) => `'${pool.owner}' ${pool.slots} slots of ${(pool.slotBytes / 2 ** 20).toFixed(1)} MiB`).join(', ');
  return new MillraceError(
    'ERR_CONFIG_MEMORY',
    `the arena would need ${gib(plan.bytes)} of at most ${gib(ARENA_MAX_BYTES)} (${pools}): give maxFrame, capacity or slots`,
  );
}

/** Stages so that each comes after what it reads; the links were checked before. */
function inOrder(spec: PipelineSpec): string[] {
  const done = new Set(Object.keys(spec.sources));
  const order: string[] = [];
  let left = Object.keys(spec.stages);
  while (left.length) {
    const ready = left.filter((name) => spec.stages[name]!.from.every((from) => done.has(from)));
    if (!ready.length)
      throw new MillraceError('ERR_CONFIG_INVALID', `the stages ${left.join(', ')} lead in a circle or to a name that is not there`);
    for (const name of ready) done.add(name);
    order.push(...ready);
    left = left.filter((name) => !done.has(name));
  }
  return order;
}

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

function size(known: Omit<Draft, 'edges' | 'pools'>, divisor: number): Draft {
  const { spec, stages, batches, parcels } = known;
  const nodes = new Map<string, EdgeSpec>([...Object.entries(spec.stages), ...Object.entries(spec.sinks)]);
  const workersOf = (node: string): number => spec.stages[node]?.workers ?? 1;
  const held = (node: string): number => {
    const stage = spec.stages[node];
    if (!stage) return (batches.get(node) ?? 1) + (known.holds.get(node) ?? 0);
    return stage.workers * (stages.get(node)!.mayBeAsync ? stage.concurrency : 1);
  };
  const edges: DraftEdge[] = [...nodes].flatMap(([node, edge]): DraftEdge[] => {
    const capacity = edge.capacityGiven ? edge.capacity : Math.max(MIN_CAPACITY, Math.floor(edge.capacity / divisor));
    if (isJoin(spec.stages[node])) {
      // The events under way, and where others may be taken meanwhile, the head.
      const heads = held(node) + (stages.get(node)!.mayBeAsync ? 1 : 0);
      const base = { node, spec: edge, limit: powerOfTwo(edge.window ?? capacity), held: heads, reach: [] };
      return edge.from.map((from, at) => ({ ...base, input: at, producers: [from], kind: 'ordered' }));
    }
    const several = edge.from.some((from) => workersOf(from) > 1 || stages.get(from)?.mayBeAsync === true);
    const ordered = edge.order === 'preserve' && several;
    const before = edge.from.reduce(
      (sum, from) => sum + workersOf(from) * (stages.get(from)?.mayBeAsync ? spec.stages[from]!.concurrency : 1),
      0,
    );
    const limit = ordered ? powerOfTwo(edge.window ?? DEFAULTS.window(before)) : capacity;
    const stage = spec.stages[node];
    if (stage && isKeyed(stage)) {
      checkKeyed(known, node, stage, ordered);
      const own = { node, producers: edge.from, spec: edge, kind: 'fifo', limit, held: held(node) / stage.workers, reach: [] } as const;
      return Array.from({ length: stage.workers }, (_, worker) => ({ ...own, input: worker, worker }));
    }
    return [{ node, input: 0, producers: edge.from, spec: edge, kind: ordered ? 'ordered' : 'fifo', limit, held: held(node), reach: [] }];
  });
  const pools = new Map<string, { slots: number; maxDataBytes: number }>();
  const holds = new Map(known.holds);
  const lends = new Map(known.lends);
  const reach = new Map<string, Set<DraftEdge>>();
  for (const owner of [...Object.keys(spec.sources), ...Object.keys(spec.stages)]) {
    const reached = new Set<DraftEdge>();
    const walk = (node: string): void => {
      for (const edge of edges) {
        if (!edge.producers.includes(node) || reached.has(edge)) continue;
        reached.add(edge);
        if (stages.get(edge.node)?.passes) walk(edge.node);
      }
    };
    walk(owner);
    reach.set(owner, reached);
    const arrays = ({ node, producers }: DraftEdge): number =>
      known.routes.filter((routes) => leavesOver(routes, node, producers).some((mask) => mask !== 0)).length;
    const onEdges = [...reached].reduce((sum, edge) => sum + edge.limit * (edge.kind === 'ordered' ? arrays(edge) : 1) + edge.held, 0);
    const stage = spec.stages[owner];
    const made = stage ? stages.get(owner)!.maxOutputs : 1;
    const packed = stage && parcels.has(owner) ? parcelSlots(made) : 0;
    const travelling = Math.max(made, packed);
    const outputs = made + packed;
    const needed = stage ? onEdges * travelling + held(owner) * outputs : onEdges + 1 + known.lends.get(owner)!;
    const kept = travelling * [...reached].reduce((sum, edge) => sum + (known.holds.get(edge.node) ?? 0), known.lends.get(owner) ?? 0);
    const given = (stage ?? spec.sources[owner])?.slots;
    if (given !== undefined && !known.options.unchecked)
      checkSlots(
        owner,
        given,
        // Who holds some of the slots that one input needs waits for the others, and all may: one more than that is enough.
        // In a keyed stage who holds all that it needs may have no frame, and the others hold theirs until its frame has come.
        !stage ? 1 : isKeyed(stage) ? needed - kept : held(owner) * (outputs - 1) + 1,
        needed - kept,
        [...reached],
        stage?.place ?? spec.sources[owner]?.place,
      );
    // Where slots are short nobody keeps one that he does not have to: a peer that stands still would keep it for good.
    if ((given ?? needed) < needed) {
      if (!stage) lends.set(owner, 0);
      for (const { node } of reached) if (holds.has(node)) holds.set(node, 0);
    }
    pools.set(owner, {
      slots: given ?? needed,
      maxDataBytes: Math.max(known.input.get(owner)!.maxBytes, slotForParcels(spec, owner, parcels)),
    });
  }
  return {
    ...known,
    holds,
    lends,
    pools,
    edges: edges.map((edge) => ({ ...edge, reach: [...reach].filter(([, reached]) => reached.has(edge)).map(([owner]) => owner) })),
  };
}

/** A keyed stage has a FIFO for each worker: it takes frames as they are handed on. The links were checked before; this is what operators say. */
function checkKeyed({ stages }: Pick<Draft, 'stages'>, name: string, stage: StageSpec, comesInAnyOrder: boolean): void {
  const refuse = (message: string): never => {
    throw new MillraceError('ERR_CONFIG_PROMISE', `stage '${name}' ${message}`, stage.place ? { place: stage.place } : {});
  };
  if (comesInAnyOrder) {
    const remedy = stage.deterministic ? 'it cannot be deterministic behind them' : 'set order: none';
    refuse(
      `would keep the order of frames per key, but the operators before it may be asynchronous: ${remedy}, or say async: false in the definition of a module that is not`,
    );
  }
  if (stage.key?.kind === 'meta' && stage.from.some((from) => (stages.get(from)?.output.chained ?? 1) > 1))
    refuse(
      'has a key of the meta, but one frame may become several before it, which travel as one: take its frames from before those operators',
    );
}

/**
 * A blocking pool works with few slots, slowly: its producer waits, but never for itself. Behind a dropping edge the
 * policy would never act with fewer slots than the edge holds, so there the sum is required.
 */
function checkSlots(
  owner: string,
  given: number,
  claimed: number,
  needed: number,
  edges: readonly DraftEdge[],
  place: EdgeSpec['place'],
): void {
  const dropping = edges.some((edge) => edge.spec.overflow.kind !== 'block' && edge.spec.overflow.kind !== 'sample');
  const least = dropping ? needed : claimed;
  if (given < least) {
    const why = dropping
      ? 'its frames reach an edge that drops, and would wait for a slot instead of being dropped'
      : 'the frames that one input may become are claimed before it is taken, by every worker at once';
    throw new MillraceError('ERR_CONFIG_PROMISE', `'${owner}' needs at least ${least} slots, not ${given}: ${why}`, place ? { place } : {});
  }
}
