import type { PipelineSpec } from '../spec/spec.js';
import type { SourceRoutes } from './routes.js';

/** A sink that the frames of a source reach, and the leaves by which it counts how they ended. */
export interface SinkLeaves {
  readonly sink: string;
  readonly leaves: number;
}

/**
 * The leaves of each sink that a source reaches. A way that ends at a join, whose events go on as frames of another input,
 * counts for every sink behind that join.
 */
export function sinkLeaves(spec: PipelineSpec, { paths }: SourceRoutes): SinkLeaves[] {
  const leaves = new Map<string, number>();
  paths.forEach((path, leaf) => {
    for (const sink of sinksBehind(spec, path[path.length - 1]!)) leaves.set(sink, (leaves.get(sink) ?? 0) | (1 << leaf));
  });
  return Object.keys(spec.sinks).flatMap((sink) => (leaves.has(sink) ? [{ sink, leaves: leaves.get(sink)! }] : []));
}

/** The sinks by which the ledger of a source counts: those that are required, all where none is. */
export function countedSinks(spec: PipelineSpec, sinks: readonly SinkLeaves[]): string[] {
  const names = sinks.map(({ sink }) => sink);
  const required = names.filter((name) => spec.sinks[name]!.required);
  return required.length > 0 ? required : names;
}

/** The leaves of these sinks. */
export function headlineLeaves(spec: PipelineSpec, all: number, sinks: readonly SinkLeaves[]): number {
  const counted = countedSinks(spec, sinks);
  return sinks.reduce((mask, { sink, leaves }) => (counted.includes(sink) ? mask | leaves : mask), 0) || all;
}

function sinksBehind(spec: PipelineSpec, node: string): Set<string> {
  const reached = new Set([node]);
  // A set takes what is added while it is gone through.
  for (const from of reached)
    for (const [name, { from: inputs }] of [...Object.entries(spec.stages), ...Object.entries(spec.sinks)])
      if (inputs.includes(from)) reached.add(name);
  return new Set([...reached].filter((name) => Object.hasOwn(spec.sinks, name)));
}
