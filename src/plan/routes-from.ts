import type { StageSpec } from '../spec/spec.js';
import type { Draft } from './draft.js';
import type { MetaKey } from './plan-types.js';
import { type EdgeChoice, type Route, routeKey } from './routes.js';

/** The stages behind a node that choose among workers by a key of the meta. */
export function keysBehind({ spec }: Draft, node: string): MetaKey[] {
  const reached = new Set([node]);
  const keys: MetaKey[] = [];
  // A set takes what is added while it is gone through.
  for (const from of reached)
    for (const [name, stage] of Object.entries(spec.stages)) {
      if (reached.has(name) || !stage.from.includes(from)) continue;
      reached.add(name);
      if (stage.key?.kind === 'meta' && stage.workers > 1) keys.push({ name: stage.key.name, workers: stage.workers });
    }
  return keys;
}

/** The ways on from a node, with their edges. */
export function routesFrom({ edges, spec, routes }: Draft, source: number, producer: string, branch: number): Route[] {
  const ways = routes[source]!.next.get(routeKey(producer, branch)) ?? [];
  const { parcel } = Object.values(spec.sources)[source]!;
  return ways.map((way) => ({
    ...way,
    choice: choiceOf(spec.stages[way.node], parcel !== undefined),
    edges: edges.flatMap(({ node, producers }, index) => (node === way.node && producers.includes(producer) ? [index] : [])),
  }));
}

function choiceOf(stage: StageSpec | undefined, byBlock: boolean): EdgeChoice | undefined {
  return stage?.deterministic ? { kind: 'shard', shards: stage.shards, byBlock } : stage?.key;
}
