import type { KeyPath } from './key-path.js';
import { isWithin } from './key-path.js';
import { mapOf } from './map-of.js';
import type { Registries } from './registries.js';

export interface PlacedOptionIssue {
  readonly code: 'ERR_CONFIG_INVALID';
  readonly message: string;
  readonly path: KeyPath;
  readonly at: 'key' | 'value';
}

/** What the types of sources and sinks say of their options, where the schema had nothing to say. */
export function checkOptions(pipeline: unknown, registries: Registries, wrong: readonly KeyPath[]): PlacedOptionIssue[] {
  const issues: PlacedOptionIssue[] = [];
  for (const [section, types] of [
    ['sources', registries.sources],
    ['sinks', registries.sinks],
  ] as const) {
    for (const [name, node] of Object.entries(mapOf(mapOf(pipeline)[section]))) {
      const at = [section, name];
      const options = mapOf(node);
      if (typeof options.type !== 'string' || wrong.some((path) => isWithin(path, at) || isWithin(at, path))) continue;
      for (const { message, path } of types.get(options.type)?.checkOptions?.(options) ?? [])
        issues.push({ code: 'ERR_CONFIG_INVALID', message, path: [...at, ...path], at: path.length > 0 ? 'value' : 'key' });
    }
  }
  return issues;
}
