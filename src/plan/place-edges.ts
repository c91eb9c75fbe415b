import { MillraceError } from '../errors/errors.js';
import { powerOfTwo } from '../memory/power-of-two.js';
import { ARRAY, BELL, MAX_LEAVES, MAX_ORDERED_EDGES, RING } from '../ring/ring-layout.js';
import { isJoin } from '../spec/join-stage.js';
import { DEFAULTS } from '../spec/spec.js';
import type { DraftEdge } from './draft.js';
import { type Ground, roundUp } from './ground.js';
import type { EdgePlan } from './plan-types.js';
import { leavesOver } from './routes.js';

/** Each edge with its ring, its lane for what dead threads held, and its bells. */
export function placeEdges(ground: Ground): EdgePlan[] {
  const { draft, space } = ground;
  const itemBells = new Map<string, number>();
  const itemBell = (node: string, threads: readonly number[]): number => {
    const key = `${node} ${threads}`;
    const bell = itemBells.get(key) ?? space.take(BELL.bytes);
    itemBells.set(key, bell);
    return bell;
  };
  const edges = draft.edges.map((edge, index) => placeEdge(ground, edge, index, itemBell));
  checkOrderedEdges(ground, edges);
  return edges;
}

function placeEdge(
  { draft, space, threadsOf }: Ground,
  edge: DraftEdge,
  index: number,
  itemBell: (node: string, threads: readonly number[]) => number,
): EdgePlan {
  const { spec } = draft;
  const sources = draft.routes.length;
  const reachable = edge.reach.reduce((sum, owner) => sum + draft.pools.get(owner)!.slots, 0);
  const isOrdered = edge.kind === 'ordered';
  const cells = isOrdered ? edge.limit : powerOfTwo(Math.max(edge.limit, reachable));
  const arrayStride = isOrdered ? roundUp(ARRAY.cells + 8 * cells, 128) : 0;
  const { overflow } = edge.spec;
  const ofNode = threadsOf.get(edge.node)!;
  const consumerThreads = edge.worker === undefined ? ofNode : [ofNode[edge.worker]!];
  const stage = spec.stages[edge.node];
  return {
    number: index + 1,
    node: edge.node,
    input: edge.input,
    kind: edge.kind,
    overflow: overflow.kind,
    every: overflow.kind === 'sample' ? (overflow.n ?? 1) : 1,
    order: edge.spec.order,
    limit: edge.limit,
    cells,
    ring: space.take(RING.cells + (isOrdered ? arrayStride * sources : 8 * cells)),
    lane: space.take(RING.cells + 8 * powerOfTwo(reachable)),
    laneCells: powerOfTwo(reachable),
    laneNumber: draft.edges.length + index + 1,
    // For a sink: how often its thread may die while it writes a frame.
    attempts: stage?.attempts ?? DEFAULTS.attempts,
    handsOn: stage !== undefined && !(isJoin(stage) && edge.input > 0),
    arrayStride,
    itemBell: itemBell(edge.node, consumerThreads),
    spaceBell: space.take(BELL.bytes),
    leafTable: space.take(4 * MAX_LEAVES * sources),
    leaves: draft.routes.map((routes) => leavesOver(routes, edge.node, edge.producers)),
    reach: edge.reach,
    producers: edge.producers,
    producerThreads: edge.producers.flatMap((from) => threadsOf.get(from)!),
    consumerThreads,
  };
}

/** The block of a source lists the ordered edges that its frames reach, up to this number. */
function checkOrderedEdges({ draft: { spec }, issues }: Ground, edges: readonly EdgePlan[]): void {
  for (const [index, [name, { place }]] of Object.entries(spec.sources).entries()) {
    const ordered = edges.filter(({ kind, leaves }) => kind === 'ordered' && leaves[index]!.some((mask) => mask !== 0)).length;
    if (ordered <= MAX_ORDERED_EDGES) continue;
    const message = `frames of '${name}' reach ${ordered} nodes that keep order behind several producers, and the limit is ${MAX_ORDERED_EDGES}: set order: none at some of them`;
    issues.add(new MillraceError('ERR_CONFIG_PROMISE', message, place ? { place } : {}));
  }
}
