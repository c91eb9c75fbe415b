import { isStateful } from '../operators/is-stateful.js';
import { MAX_LEAVES } from '../ring/ring-layout.js';
import { checkJoins } from './check-joins.js';
import { JOIN } from './join-stage.js';
import type { KeyPath } from './key-path.js';
import type { GraphNode, LinkIssue } from './link-graph.js';
import { mapOf } from './map-of.js';
import type { Registries } from './registries.js';
import { isModulePath } from './spec.js';
import { suggest } from './suggest.js';

/**
 * Checks what a schema cannot: the links between nodes and the promises of the graph. Takes data that the schema may
 * have refused, and checks only the parts with a valid form.
 */
export function checkLinks(pipeline: unknown, registries: Registries): LinkIssue[] {
  const { nodes, issues } = readNodes(pipeline, registries);
  issues.push(...checkFrom(nodes));
  const cycles = findCycles(nodes);
  issues.push(...cycles);
  issues.push(...checkEnds(nodes));
  for (const stage of nodes.values()) {
    if (stage.statefulType !== undefined && stage.workers > 1) {
      const message = `'${stage.statefulType}' keeps state between frames, so that stage '${stage.name}' can have only one worker, not ${stage.workers}`;
      issues.push({ code: 'ERR_CONFIG_PROMISE', message, path: [...stage.path, 'workers'], at: 'value' });
    }
  }
  issues.push(...checkKinds(pipeline));
  // Paths cannot be counted in a graph with a cycle.
  if (cycles.length === 0) issues.push(...checkPaths(nodes), ...checkJoins(upstreamFirst(nodes)));
  return issues;
}

function readNodes(pipeline: unknown, registries: Registries): { nodes: Map<string, GraphNode>; issues: LinkIssue[] } {
  const nodes = new Map<string, GraphNode>();
  const issues: LinkIssue[] = [];
  for (const [section, kind] of [
    ['sources', 'source'],
    ['stages', 'stage'],
    ['sinks', 'sink'],
  ] as const) {
    for (const [name, value] of Object.entries(mapOf(mapOf(pipeline)[section]))) {
      const node = mapOf(value);
      const path = [section, name];
      const other = nodes.get(name);
      if (other) {
        issues.push({ code: 'ERR_CONFIG_INVALID', message: `the name '${name}' is already that of a ${other.kind}`, path, at: 'key' });
        continue;
      }
      const operators = kind === 'stage' && Array.isArray(node.operators) ? node.operators : [];
      const maps = operators.map(mapOf);
      nodes.set(name, {
        name,
        path,
        kind,
        from: kind === 'source' ? [] : readFrom(node.from, path),
        workers: kind === 'stage' && typeof node.workers === 'number' ? node.workers : 1,
        ordered: node.order !== 'none',
        keyed: kind === 'stage' && (node.key !== undefined || node.deterministic === true),
        deterministic: node.deterministic === true,
        statefulType: maps.find((operator) => keepsState(operator, node.key !== undefined, registries))?.type as string,
        operators: maps,
        joins: maps[0]?.type === JOIN,
      });
    }
  }
  return { nodes, issues };
}

function keepsState({ type, ...params }: Record<string, unknown>, isKeyed: boolean, { operators }: Registries): boolean {
  const definition = typeof type === 'string' ? operators.get(type) : undefined;
  return definition !== undefined && isStateful(definition, params) && !(isKeyed && definition.keyed);
}

function readFrom(from: unknown, path: KeyPath): GraphNode['from'] {
  if (typeof from === 'string') return [{ name: from, path: [...path, 'from'] }];
  if (!Array.isArray(from)) return [];
  return from.flatMap((name, index) => (typeof name === 'string' ? [{ name, path: [...path, 'from', index] }] : []));
}

function checkFrom(nodes: ReadonlyMap<string, GraphNode>): LinkIssue[] {
  const issues: LinkIssue[] = [];
  const takeable = [...nodes.values()].filter((node) => node.kind !== 'sink').map((node) => node.name);
  for (const node of nodes.values()) {
    for (const { name, path } of node.from) {
      const target = nodes.get(name);
      if (!target) {
        const message = `there is no source or stage '${name}'${suggest(name, takeable)}`;
        issues.push({ code: 'ERR_CONFIG_INVALID', message, path, at: 'value' });
      } else if (target.kind === 'sink') {
        issues.push({ code: 'ERR_CONFIG_INVALID', message: `'${name}' is a sink, from which nothing can be taken`, path, at: 'value' });
      }
    }
  }
  return issues;
}

/** One issue for each link that closes a cycle. */
function findCycles(nodes: ReadonlyMap<string, GraphNode>): LinkIssue[] {
  const issues: LinkIssue[] = [];
  const done = new Set<string>();
  for (const start of nodes.values()) {
    // Depth first without recursion: the depth is the author's. The trail holds the way from the start to here.
    const trail = [{ node: start, next: 0 }];
    const onTrail = new Set([start.name]);
    if (done.has(start.name)) continue;
    while (trail.length > 0) {
      const top = trail.at(-1)!;
      const link = top.node.from[top.next++];
      if (!link) {
        done.add(top.node.name);
        onTrail.delete(top.node.name);
        trail.pop();
        continue;
      }
      const target = nodes.get(link.name);
      if (!target || done.has(target.name)) continue;
      if (onTrail.has(target.name)) {
        const names = trail.map(({ node }) => node.name);
        const cycle = [target.name, ...names.slice(names.indexOf(target.name)).reverse()];
        issues.push({ code: 'ERR_CONFIG_INVALID', message: `a cycle: ${cycle.join(' -> ')}`, path: link.path, at: 'value' });
      } else {
        onTrail.add(target.name);
        trail.push({ node: target, next: 0 });
      }
    }
  }
  return issues;
}

function checkEnds(nodes: ReadonlyMap<string, GraphNode>): LinkIssue[] {
  const taken = new Set([...nodes.values()].flatMap((node) => node.from.map(({ name }) => name)));
  return [...nodes.values()]
    .filter((node) => node.kind !== 'sink' && !taken.has(node.name))
    .map((node) => ({
      code: 'ERR_CONFIG_INVALID',
      message: `${node.kind} '${node.name}' leads nowhere: no stage or sink takes from it`,
      path: node.path,
      at: 'key',
    }));
}

/** Kinds of stages that exclude each other. */
function checkKinds(pipeline: unknown): LinkIssue[] {
  const issues: LinkIssue[] = [];
  for (const [name, value] of Object.entries(mapOf(mapOf(pipeline).stages))) {
    const { exclusive, workers, key, deterministic, order, operators } = mapOf(value);
    const refuse = (at: string, message: string): void => {
      issues.push({ code: 'ERR_CONFIG_PROMISE', message: `stage '${name}' ${message}`, path: ['stages', name, at], at: 'value' });
    };
    if (exclusive === true && typeof workers === 'number' && workers > 1)
      refuse('workers', `is exclusive: it has one worker, not ${workers}`);
    if (exclusive === true && key !== undefined) refuse('key', 'is exclusive: its one worker takes every key');
    const joins = Array.isArray(operators) && mapOf(operators[0]).type === JOIN;
    if (joins && key !== undefined) refuse('key', 'joins: its one worker takes every key');
    if (joins && deterministic === true) refuse('deterministic', 'joins: aggregate in a stage behind it');
    if (deterministic === true && key !== undefined) refuse('key', 'is deterministic: its frames go to the workers by their ordinals');
    if (deterministic === true && order === 'none') refuse('order', 'is deterministic: it must have its frames in order');
  }
  return issues;
}

/** Leaves per source, and order where it cannot be kept. */
function checkPaths(nodes: ReadonlyMap<string, GraphNode>): LinkIssue[] {
  const issues: LinkIssue[] = [];
  const order = upstreamFirst(nodes);
  const twice = new Map<GraphNode, string[]>();
  const scattered = new Map<GraphNode, string>();
  const unordered = new Map<GraphNode, { source: string; readers: string[] }>();
  for (const source of nodes.values()) {
    if (source.kind !== 'source') continue;
    const paths = new Map<string, number>([[source.name, 1]]);
    // Whether the frames of this source come into a node, and leave it, by rising ordinal.
    const leavesInOrder = new Map<string, boolean>([[source.name, true]]);
    let leaves = 0;
    for (const node of order) {
      if (node.kind === 'source') continue;
      const producers = node.from.flatMap(({ name }) => (paths.has(name) ? [name] : []));
      if (producers.length === 0) continue;
      const waysFrom = (names: readonly string[]): number => names.reduce((sum, name) => sum + paths.get(name)!, 0);
      // Frames of inputs of a join other than the first end there, and each input has its own edge.
      const goesOn = node.joins ? producers.filter((name) => name === node.from[0]!.name) : producers;
      const ways = waysFrom(goesOn);
      if (ways > 0) paths.set(node.name, ways);
      if (node.kind === 'sink') leaves += ways;
      else if (node.joins) leaves += waysFrom(producers) - ways;
      if (node.ordered) {
        if (node.joins ? producers.some((name) => paths.get(name)! > 1) : ways > 1)
          twice.set(node, [...(twice.get(node) ?? []), source.name]);
        if (node.keyed && producers.some((name) => leavesInOrder.get(name) !== true)) scattered.set(node, source.name);
        for (const name of producers) {
          const producer = nodes.get(name)!;
          if (producer.kind !== 'stage' || comesInOrder(producer, leavesInOrder)) continue;
          const entry = unordered.get(producer) ?? { source: source.name, readers: [] };
          if (!entry.readers.includes(node.name)) entry.readers.push(node.name);
          unordered.set(producer, entry);
        }
      }
      leavesInOrder.set(node.name, node.workers === 1 && comesInOrder(node, leavesInOrder));
    }
    if (leaves > MAX_LEAVES) {
      const message = `there are ${leaves} ways from source '${source.name}' to sinks${[...nodes.values()].some(({ joins }) => joins) ? ' and joins' : ''}; at most ${MAX_LEAVES} can be accounted for`;
      issues.push({ code: 'ERR_CONFIG_PROMISE', message, path: source.path, at: 'key' });
    }
  }
  for (const [node, sources] of twice) {
    const message = `frames of '${sources.join("', '")}' reach '${node.name}' by more than one way, so that their order cannot be kept: set order: none, or take from one`;
    issues.push({ code: 'ERR_CONFIG_PROMISE', message, path: [...node.path, 'from'], at: 'key' });
  }
  for (const [stage, source] of scattered) {
    const remedy = stage.deterministic ? 'take them from one thread' : 'take them from one, or set order: none';
    const message = `stage '${stage.name}' has an edge for each worker, on which the frames of '${source}' come in the order in which several threads hand them on: ${remedy}`;
    issues.push({ code: 'ERR_CONFIG_PROMISE', message, path: [...stage.path, 'from'], at: 'key' });
  }
  for (const [stage, { source, readers }] of unordered) {
    const message = `'${readers.join("', '")}' promises the order of '${source}', but stage '${stage.name}' takes its frames from several threads in any order: set order: preserve here, or order: none there`;
    issues.push({ code: 'ERR_CONFIG_PROMISE', message, path: [...stage.path, 'order'], at: 'key' });
  }
  return issues;
}

/** An ordered edge, or a FIFO with one producing thread that itself emits in order. */
function comesInOrder(node: GraphNode, leavesInOrder: ReadonlyMap<string, boolean>): boolean {
  if (node.ordered) return true;
  const producers = node.from.filter(({ name }) => leavesInOrder.has(name));
  return producers.length === 1 && leavesInOrder.get(producers[0]!.name) === true;
}

/** Every node after all that it takes from; the graph has no cycle. */
function upstreamFirst(nodes: ReadonlyMap<string, GraphNode>): GraphNode[] {
  const waiting = new Map<string, number>();
  const readers = new Map<string, GraphNode[]>();
  for (const node of nodes.values()) {
    const known = node.from.filter(({ name }) => nodes.has(name));
    waiting.set(node.name, known.length);
    for (const { name } of known) readers.set(name, [...(readers.get(name) ?? []), node]);
  }
  const ready = [...nodes.values()].filter((node) => waiting.get(node.name) === 0);
  const sorted: GraphNode[] = [];
  for (let node = ready.shift(); node; node = ready.shift()) {
    sorted.push(node);
    for (const reader of readers.get(node.name) ?? []) {
      const left = waiting.get(reader.name)! - 1;
      waiting.set(reader.name, left);
      if (left === 0) ready.push(reader);
    }
  }
  return sorted;
}

/** The files that a pipeline names: modules of operators, and every `file` of an operator or source. */
export function namedFiles(pipeline: unknown): { path: KeyPath; file: string; what: string }[] {
  const files: { path: KeyPath; file: string; what: string }[] = [];
  for (const [name, stage] of Object.entries(mapOf(mapOf(pipeline).stages))) {
    const operators = mapOf(stage).operators;
    for (const [index, value] of (Array.isArray(operators) ? operators : []).entries()) {
      const { type, file } = mapOf(value);
      const path = ['stages', name, 'operators', index];
      if (typeof type !== 'string') continue;
      if (isModulePath(type)) files.push({ path: [...path, 'type'], file: type, what: 'the module' });
      else if (typeof file === 'string') files.push({ path: [...path, 'file'], file, what: 'the file' });
    }
  }
  for (const section of ['sources', 'sinks'] as const) {
    for (const [name, node] of Object.entries(mapOf(mapOf(pipeline)[section]))) {
      const { type, codec, file } = mapOf(node);
      for (const [key, value] of Object.entries({ type, codec }))
        if (typeof value === 'string' && isModulePath(value)) files.push({ path: [section, name, key], file: value, what: 'the module' });
      if (section === 'sources' && typeof file === 'string') files.push({ path: [section, name, 'file'], file, what: 'the file' });
    }
  }
  return files;
}
