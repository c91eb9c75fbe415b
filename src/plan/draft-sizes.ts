import { powerOfTwo } from '../memory/power-of-two.js';
import { isJoin } from '../spec/join-stage.js';
import { DEFAULTS, type EdgeSpec, isKeyed } from '../spec/spec.js';
import { checkKeyed, checkSlots } from './check-slots.js';
import { type Draft, type DraftEdge, type DraftPool, type KnownDraft, parcelSlots, type Tightness } from './draft.js';
import { slotForParcels } from './parcels-of.js';
import type { PlanIssues } from './plan-issues.js';
import { leavesOver } from './routes.js';

/** Capacities that the pipeline does not give shrink to this before the plan is refused. */
const MIN_CAPACITY = 4;
/** From this divisor on, windows shrink too: to two cells for each worker before the edge. */
const WINDOWS_SHRINK_FROM = 4;
/** Slots that a pool under the tightest sizes has beside those that one frame needs, for each frame in work. */
const SPARE_SLOTS = 1;

/** From the sizes that run best to the smallest that run. */
export const TIGHTNESS: readonly Tightness[] = [
  ...[1, 2, 4, 8, 16].map((divisor) => ({ divisor, fewSlots: false })),
  { divisor: 16, fewSlots: true },
];

/** Decides the limits of edges and the slots of pools. `issues` receives what the pipeline gave and cannot work. */
export function draftSizes(known: KnownDraft, tightness: Tightness, issues: PlanIssues): Draft {
  const edges = edgesOf(known, tightness, issues);
  const holds = new Map(known.holds);
  const lends = new Map(known.lends);
  const pools = new Map<string, DraftPool>();
  const reach = new Map<string, Set<DraftEdge>>();
  for (const owner of [...Object.keys(known.spec.sources), ...Object.keys(known.spec.stages)]) {
    const reached = edgesReached(known, edges, owner);
    reach.set(owner, reached);
    const { slots, needed } = slotsOf(known, owner, reached, tightness, issues);
    // With fewer slots no thread keeps a slot that it can return: a peer that does not read would keep it permanently.
    if (slots < needed) {
      if (lends.has(owner)) lends.set(owner, 0);
      for (const { node } of reached) if (holds.has(node)) holds.set(node, 0);
    }
    const frameBytes = known.stages.get(owner)?.madeBytes ?? known.input.get(owner)!.maxBytes;
    pools.set(owner, { slots, maxDataBytes: Math.max(frameBytes, slotForParcels(known.spec, owner, known.parcels)) });
  }
  const reachOf = (edge: DraftEdge): string[] => [...reach].flatMap(([owner, reached]) => (reached.has(edge) ? [owner] : []));
  return { ...known, holds, lends, pools, edges: edges.map((edge) => ({ ...edge, reach: reachOf(edge) })) };
}

/** Frames that a node has in work at a time. */
function inWork({ spec, stages, batches, holds }: KnownDraft, node: string): number {
  const stage = spec.stages[node];
  if (!stage) return (batches.get(node) ?? 1) + (holds.get(node) ?? 0);
  return stage.workers * (stages.get(node)!.mayBeAsync ? stage.concurrency : 1);
}

function edgesOf(known: KnownDraft, tightness: Tightness, issues: PlanIssues): DraftEdge[] {
  const { spec } = known;
  const nodes: [string, EdgeSpec][] = [...Object.entries(spec.stages), ...Object.entries(spec.sinks)];
  return nodes.flatMap(([node, edge]) => edgesInto(known, node, edge, tightness, issues));
}

/** A join has an edge for each input, a keyed stage one for each worker, any other node one. */
function edgesInto(known: KnownDraft, node: string, edge: EdgeSpec, { divisor }: Tightness, issues: PlanIssues): DraftEdge[] {
  const { spec, stages } = known;
  const stage = spec.stages[node];
  const held = inWork(known, node);
  const capacity = edge.capacityGiven ? edge.capacity : Math.max(MIN_CAPACITY, Math.floor(edge.capacity / divisor));
  if (isJoin(stage)) {
    // The events in work, and the head while another event is taken.
    const heads = held + (stages.get(node)!.mayBeAsync ? 1 : 0);
    const base = { node, spec: edge, limit: powerOfTwo(edge.window ?? capacity), held: heads, reach: [] };
    return edge.from.map((from, input) => ({ ...base, input, producers: [from], kind: 'ordered' }));
  }
  const isAsync = (from: string): boolean => stages.get(from)?.mayBeAsync === true;
  const workersOf = (from: string): number => spec.stages[from]?.workers ?? 1;
  const isOrdered = edge.order === 'preserve' && edge.from.some((from) => workersOf(from) > 1 || isAsync(from));
  const limit = isOrdered ? powerOfTwo(edge.window ?? defaultWindow(known, edge, divisor)) : capacity;
  const base = { node, producers: edge.from, spec: edge, limit, reach: [] };
  if (stage && isKeyed(stage)) {
    checkKeyed(known, node, stage, isOrdered, issues);
    return Array.from({ length: stage.workers }, (_, worker) => ({
      ...base,
      input: worker,
      worker,
      kind: 'fifo',
      held: held / stage.workers,
    }));
  }
  return [{ ...base, input: 0, kind: isOrdered ? 'ordered' : 'fifo', held }];
}

function defaultWindow({ spec, stages }: KnownDraft, edge: EdgeSpec, divisor: number): number {
  const frames = (from: string): number => {
    const stage = spec.stages[from];
    return (stage?.workers ?? 1) * (stage && stages.get(from)?.mayBeAsync ? stage.concurrency : 1);
  };
  const before = edge.from.reduce((sum, from) => sum + frames(from), 0);
  return divisor < WINDOWS_SHRINK_FROM ? DEFAULTS.window(before) : Math.min(DEFAULTS.window(before), 2 * before);
}

/** The edges that slots of a pool can reach: those behind its owner, and behind stages that hand on what they took. */
function edgesReached({ stages }: KnownDraft, edges: readonly DraftEdge[], owner: string): Set<DraftEdge> {
  const reached = new Set<DraftEdge>();
  const walk = (node: string): void => {
    for (const edge of edges) {
      if (!edge.producers.includes(node) || reached.has(edge)) continue;
      reached.add(edge);
      if (stages.get(edge.node)?.passes) walk(edge.node);
    }
  };
  walk(owner);
  return reached;
}

/** Slots of a pool, and how many it needs so that no producer waits for one before the edges are full. */
function slotsOf(
  known: KnownDraft,
  owner: string,
  reached: ReadonlySet<DraftEdge>,
  { fewSlots }: Tightness,
  issues: PlanIssues,
): { slots: number; needed: number } {
  const { spec, stages, routes, parcels } = known;
  const stage = spec.stages[owner];
  const edges = [...reached];
  const arrays = ({ kind, node, producers }: DraftEdge): number =>
    kind === 'fifo' ? 1 : routes.filter((one) => leavesOver(one, node, producers).some((mask) => mask !== 0)).length;
  const onEdges = edges.reduce((sum, edge) => sum + edge.limit * arrays(edge) + edge.held, 0);
  const made = stage ? stages.get(owner)!.maxOutputs : 1;
  const packed = stage && parcels.has(owner) ? parcelSlots(made) : 0;
  const travelling = Math.max(made, packed);
  const outputs = made + packed;
  const frames = stage ? inWork(known, owner) : 1;
  const lends = known.lends.get(owner) ?? 0;
  const needed = stage ? onEdges * travelling + frames * outputs : onEdges + 1 + lends;
  const kept = travelling * edges.reduce((sum, edge) => sum + (known.holds.get(edge.node) ?? 0), lends);
  // Each frame in work holds some of the slots that it needs and may wait for the others: one more than all hold then is
  // enough. In a keyed stage the worker that holds all it needs may have no frame, while the others wait for its frame.
  const claimed = !stage ? 1 : isKeyed(stage) ? needed - kept : frames * (outputs - 1) + 1;
  const drops = edges.some(({ spec: { overflow } }) => overflow.kind !== 'block' && overflow.kind !== 'sample');
  const least = drops ? needed - kept : claimed;
  const given = (stage ?? spec.sources[owner])?.slots;
  if (given !== undefined) {
    if (!known.options.unchecked) checkSlots(owner, given, least, drops, stage?.place ?? spec.sources[owner]?.place, issues);
    return { slots: given, needed };
  }
  return { slots: fewSlots ? Math.min(needed, least + frames * outputs * SPARE_SLOTS) : needed, needed };
}
