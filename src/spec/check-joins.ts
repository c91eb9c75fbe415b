import { JOIN } from './join-stage.js';
import type { KeyPath } from './key-path.js';
import type { GraphNode, LinkIssue } from './link-graph.js';

/** Inputs that one commit can name. */
const MAX_INPUTS = 32;

/**
 * Checks the promises of a stage that joins frames. `nodes`: each after its inputs. Other checks report invalid links.
 */
export function checkJoins(nodes: readonly GraphNode[]): LinkIssue[] {
  const issues: LinkIssue[] = [];
  /** By node, the sources whose frames come out of it, and all nodes before it, itself included. */
  const carried = new Map<string, ReadonlySet<string>>();
  const before = new Map<string, ReadonlySet<string>>();
  for (const node of nodes) {
    const from = node.from.flatMap(({ name }) => (carried.has(name) ? [name] : []));
    before.set(node.name, new Set([node.name, ...from.flatMap((name) => [...before.get(name)!])]));
    const goOn = node.joins ? from.slice(0, 1) : from;
    carried.set(node.name, node.kind === 'source' ? new Set([node.name]) : new Set(goOn.flatMap((name) => [...carried.get(name)!])));
    const refuse = (path: KeyPath, message: string, at: LinkIssue['at'] = 'key'): void => {
      issues.push({ code: 'ERR_CONFIG_PROMISE', message: `stage '${node.name}' joins: ${message}`, path, at });
    };
    for (const [index, { type }] of node.operators.entries())
      if (type === JOIN && index > 0)
        refuse([...node.path, 'operators', index], `'${JOIN}' takes from the edges of its stage, and must be its first operator`);
    if (!node.joins) continue;
    const operator = [...node.path, 'operators', 0];
    const [{ by, as } = {}] = node.operators;
    if (as === 'list' && node.operators.length === 1) refuse(operator, `as: list is for the next operator of the stage, and there is none`);
    if (!node.ordered)
      refuse([...node.path, 'order'], 'frames are brought together by their order, so that order: none cannot be', 'value');
    if (from.length < node.from.length) continue;
    if (from.length < 2) refuse([...node.path, 'from'], 'there must be at least two to take from');
    if (from.length > MAX_INPUTS) refuse([...node.path, 'from'], `${from.length} inputs are more than ${MAX_INPUTS}`);
    for (const { name, path } of node.from) {
      const sources = [...carried.get(name)!];
      if (sources.length > 1)
        refuse(path, `'${name}' carries frames of '${sources.join("' and '")}', of which each needs an input of its own`, 'value');
    }
    const sourceOf = (name: string): string | undefined => [...carried.get(name)!][0];
    if (by === 'ordinal' && new Set(from.map(sourceOf)).size > 1)
      refuse(operator, 'by: ordinal is for branches of one source; by: frame or timestamp brings several sources together');
    for (const [i, name] of from.entries()) {
      const other = from.slice(0, i).find((one) => sourceOf(one) !== sourceOf(name) && shared(before.get(one)!, before.get(name)!));
      if (other === undefined) continue;
      const both = shared(before.get(other)!, before.get(name)!);
      refuse(
        node.from[i]!.path,
        `'${other}' and '${name}' carry different sources, and both come through '${both}', where one would hold up the other`,
        'value',
      );
    }
  }
  return issues;
}

function shared(a: ReadonlySet<string>, b: ReadonlySet<string>): string | undefined {
  return [...a].find((name) => b.has(name));
}
