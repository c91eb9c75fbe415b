import { MillraceError } from '../errors/errors.js';
import { isJoin } from '../spec/join-stage.js';
import type { EdgeSpec, PipelineSpec } from '../spec/spec.js';
import type { PlanIssues } from './plan-issues.js';
import type { PreparedStage } from './prepare-stage.js';

/**
 * What the links alone do not say: a stage whose operators may be asynchronous finishes frames in any order, even with one
 * worker. Behind it only an ordered edge puts them in order; a stage that takes them as they come must not feed one that
 * promises order, or all its workers may hold later frames while the one that is due waits behind them for ever.
 * `issues` receives ERR_CONFIG_PROMISE. Of a module it is not known before it runs, so that it counts as asynchronous.
 */
export function checkOrder(
  spec: PipelineSpec,
  stages: ReadonlyMap<string, PreparedStage>,
  order: readonly string[],
  issues: PlanIssues,
): void {
  const nodes: readonly (readonly [string, EdgeSpec])[] = [
    ...order.map((name) => [name, spec.stages[name]!] as const),
    ...Object.entries(spec.sinks),
  ];
  for (const source of Object.keys(spec.sources)) {
    // Whether the frames of this source come into a node, and leave it, by rising ordinal. A node that they do not reach has no entry.
    const comes = new Map<string, boolean>([[source, true]]);
    const leaves = new Map<string, boolean>([[source, true]]);
    for (const [name, edge] of nodes) {
      const producers = edge.from.filter((from) => leaves.has(from));
      if (producers.length === 0) continue;
      const keeps = edge.order === 'preserve';
      for (const producer of producers) {
        if (!keeps || comes.get(producer)) continue;
        const before = spec.stages[producer]!;
        issues.add(
          new MillraceError(
            'ERR_CONFIG_PROMISE',
            `'${name}' promises the order of '${source}', but stage '${producer}' takes its frames as '${before.from.join("', '")}' finishes them, in any order: set order: preserve at '${producer}', or order: none at '${name}'`,
            before.place ? { place: before.place } : {},
          ),
        );
      }
      // Frames of another input of a join end there.
      if (isJoin(spec.stages[name]) && !producers.includes(edge.from[0]!)) continue;
      const inOrder = keeps || (producers.length === 1 && leaves.get(producers[0]!)!);
      const stage = spec.stages[name];
      comes.set(name, inOrder);
      leaves.set(name, inOrder && stage?.workers === 1 && !stages.get(name)!.mayBeAsync);
    }
  }
}
