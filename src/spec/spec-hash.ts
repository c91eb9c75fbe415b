import { createHash } from 'node:crypto';
import type { PipelineSpec } from './spec.js';

/**
 * SHA-256, in hexadecimal, of a pipeline with its defaults filled in: of its JSON with the keys of every map sorted.
 * Excludes the path of the file and all locations.
 */
export function specHash(spec: PipelineSpec): string {
  const { baseDir: _, deadLetters, ...rest } = spec;
  const bare = {
    ...rest,
    ...(deadLetters ? { deadLetters: withoutPlace(deadLetters) } : {}),
    sources: mapValues(spec.sources, withoutPlace),
    stages: mapValues(spec.stages, (stage) => ({ ...withoutPlace(stage), operators: stage.operators.map(withoutPlace) })),
    sinks: mapValues(spec.sinks, withoutPlace),
  };
  return createHash('sha256')
    .update(JSON.stringify(sorted(bare)))
    .digest('hex');
}

function withoutPlace<T extends object>(value: T): Omit<T, 'place'> {
  const { place: _, ...rest } = value as T & { place?: unknown };
  return rest;
}

function mapValues<T, U>(section: Readonly<Record<string, T>>, make: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(section).map(([name, value]) => [name, make(value)]));
}

/** With the keys of every map sorted: the same text for the same data. */
export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, entry]) => [key, sorted(entry)]));
}
