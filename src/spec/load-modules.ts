import { codecLoader } from '../codecs/load-codec.js';
import { sinkLoader } from '../egress/load-sink.js';
import { asMillraceError } from '../errors/errors.js';
import { sourceLoader } from '../ingress/load-source.js';
import type { Loaded } from '../modules/module-loader.js';
import type { ConfigIssue } from './config-error.js';
import type { KeyPath } from './key-path.js';
import type { Registries } from './registries.js';
import { compileSchema } from './schema-issues.js';
import { isModulePath } from './spec.js';

export interface ModuleIssue {
  readonly code: ConfigIssue['code'];
  readonly message: string;
  readonly path: KeyPath;
}

/** Modules that a pipeline names, added to the registries, and what is wrong with those that cannot be used. */
export interface WithModules {
  readonly registries: Registries;
  readonly issues: readonly ModuleIssue[];
}

/**
 * Loads the modules of the sources, sinks and codecs of a pipeline, so that their options are checked as those of built-in
 * types are. Operator modules are loaded by the plan. `exists`: whether a module has a file; one without is reported elsewhere.
 */
export async function withModules(
  pipeline: unknown,
  baseDir: string,
  registries: Registries,
  exists: (type: string) => boolean,
): Promise<WithModules> {
  const sources = new Map(registries.sources);
  const sinks = new Map(registries.sinks);
  const codecs = new Map(registries.codecs);
  const issues: ModuleIssue[] = [];
  const add = async <D>(known: Map<string, D>, type: unknown, path: KeyPath, load: (type: string) => Promise<Loaded<D>>): Promise<void> => {
    if (typeof type !== 'string' || !isModulePath(type) || known.has(type) || !exists(type)) return;
    try {
      const { definition } = await load(type);
      checkSchemaOf(definition, type);
      known.set(type, definition);
    } catch (thrown) {
      const { code, message } = asMillraceError(thrown, 'ERR_CONFIG_INVALID');
      issues.push({ code, message, path });
    }
  };
  for (const [section, known, loader] of [
    ['sources', sources, sourceLoader],
    ['sinks', sinks, sinkLoader],
  ] as const) {
    for (const [name, node] of Object.entries(mapOf(mapOf(pipeline)[section]))) {
      const { type, codec } = mapOf(node);
      await add<unknown>(known as Map<string, unknown>, type, [section, name, 'type'], (one) => loader.load(one, baseDir));
      await add(codecs, codec, [section, name, 'codec'], (one) => codecLoader.load(one, baseDir));
    }
  }
  const hasModules = sources.size > registries.sources.size || sinks.size > registries.sinks.size || codecs.size > registries.codecs.size;
  return { registries: hasModules ? { ...registries, sources, sinks, codecs } : registries, issues };
}

/** The schemas of built-in types are right; that of a module may be no schema. */
function checkSchemaOf(definition: unknown, type: string): void {
  const { options } = definition as { options?: Readonly<Record<string, unknown>> };
  if (options === undefined) return;
  try {
    compileSchema(options);
  } catch (thrown) {
    throw new Error(`the schema of the options of ${type} is malformed: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}

function mapOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
