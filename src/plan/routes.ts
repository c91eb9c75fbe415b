import { MillraceError } from '../errors/errors.js';
import { MAX_LEAVES } from '../ring/ring-layout.js';
import { isJoin } from '../spec/join-stage.js';
import type { KeySpec, PipelineSpec } from '../spec/spec.js';

/** One way on from a node: into `node`, by the reference of `branch`, serving `leaves`. */
export interface Way {
  readonly node: string;
  readonly branch: number;
  readonly leaves: number;
}

/** A way with its edges, as indices into the plan's: one, or those among which the producer chooses for each frame. */
export interface Route extends Way {
  readonly edges: readonly number[];
  /** By what; absent where there is one edge. */
  readonly choice?: EdgeChoice | undefined;
}

/** What decides over which of several edges a frame goes. */
export type EdgeChoice =
  | KeySpec
  /** By ordinal; of a source that sends parcels by blocks of its records, since what is in a parcel depends on time. */
  | { readonly kind: 'shard'; readonly shards: number; readonly byBlock: boolean };

/** The ways of one source's frames through the graph. A branch is named by the lowest leaf that it serves. */
export interface SourceRoutes {
  /** All leaves of the source. */
  readonly leaves: number;
  /** Names of the nodes of each leaf: the source first, and last a sink, or a stage that joins what comes this way to its first input. */
  readonly paths: readonly (readonly string[])[];
  /** From a node and the branch by which a frame came: where its outputs go. Key `node branch`. */
  readonly next: ReadonlyMap<string, readonly Way[]>;
  /** From a node and the branch through which a frame reaches it: the leaves served. Key `node branch`. */
  readonly served: ReadonlyMap<string, number>;
}

export const routeKey = (node: string, branch: number): string => `${node} ${branch}`;

function pathsFrom(spec: PipelineSpec, source: string): string[][] {
  const targets = new Map<string, string[]>();
  for (const [name, node] of [...Object.entries(spec.stages), ...Object.entries(spec.sinks)]) {
    for (const from of node.from) targets.set(from, [...(targets.get(from) ?? []), name]);
  }
  const paths: string[][] = [];
  const walk = (path: string[]): void => {
    const last = path[path.length - 1] as string;
    const ends = Object.hasOwn(spec.sinks, last) || isPartner(spec, path[path.length - 2], last);
    if (ends) paths.push(path);
    if (paths.length > MAX_LEAVES)
      throw new MillraceError('ERR_CONFIG_PROMISE', `source '${source}' reaches sinks and joins by more than ${MAX_LEAVES} ways`);
    if (!ends) for (const target of targets.get(last) ?? []) walk([...path, target]);
  };
  walk([source]);
  return paths;
}

/** Whether frames end at a stage that joins them: only the frames of its first input continue. */
function isPartner(spec: PipelineSpec, from: string | undefined, node: string): boolean {
  const stage = spec.stages[node];
  return from !== undefined && isJoin(stage) && stage!.from.indexOf(from) > 0;
}

/** Enumerates the leaves of a source and, for every prefix of their paths, which leaves share it. */
export function routesOf(spec: PipelineSpec, source: string): SourceRoutes {
  const paths = pathsFrom(spec, source);
  const groups = new Map<string, { path: string[]; branch: number; leaves: number }>();
  paths.forEach((path, leaf) => {
    for (let length = 1; length <= path.length; length++) {
      const prefix = path.slice(0, length);
      const key = prefix.join('\0');
      const group = groups.get(key);
      if (group) group.leaves |= 1 << leaf;
      else groups.set(key, { path: prefix, branch: leaf, leaves: 1 << leaf });
    }
  });
  const next = new Map<string, Way[]>();
  const served = new Map<string, number>();
  for (const group of groups.values()) {
    const node = group.path[group.path.length - 1] as string;
    served.set(routeKey(node, group.branch), group.leaves);
    if (group.path.length === 1) continue;
    const parent = groups.get(group.path.slice(0, -1).join('\0')) as { path: string[]; branch: number };
    const key = routeKey(parent.path[parent.path.length - 1] as string, parent.branch);
    next.set(key, [...(next.get(key) ?? []), { node, branch: group.branch, leaves: group.leaves }]);
  }
  return { leaves: paths.length === 32 ? -1 : (1 << paths.length) - 1, paths, next, served };
}

/** The leaves of a source that an edge into `node` from `producers` serves, by branch. A branch comes into a node from one producer only. */
export function leavesOver(routes: SourceRoutes, node: string, producers: readonly string[]): number[] {
  return Array.from({ length: MAX_LEAVES }, (_, branch) => {
    const served = routes.served.get(routeKey(node, branch));
    const path = routes.paths[branch];
    return served !== undefined && path && producers.includes(path[path.indexOf(node) - 1]!) ? served : 0;
  });
}
