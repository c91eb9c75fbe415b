import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Place } from '../errors/errors.js';
import { protectSecrets } from '../errors/secrets.js';
import { checkLinks, namedFiles } from './check-links.js';
import { checkOptions } from './check-options.js';
import { ConfigError, type ConfigIssue } from './config-error.js';
import { formatKeyPath, isWithin, type KeyPath } from './key-path.js';
import { type ModuleIssue, withModules } from './load-modules.js';
import { normalise } from './normalise.js';
import { type Locate, readYaml } from './read-yaml.js';
import type { Registries } from './registries.js';
import { checkSchema } from './schema-issues.js';
import { applyOverride, parseOverride } from './set-path.js';
import type { PipelineSpec } from './spec.js';

export interface ParseOptions {
  /** Name for messages. */
  readonly file: string;
  readonly baseDir: string;
  /** Variables for `${NAME}`; none where absent. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Overrides, each `path=value`. */
  readonly set?: readonly string[];
  readonly registries: Registries;
}

/** Text to spec, without loading modules: their options are checked by the plan. Throws as `parseWithModules`. */
export function parsePipelineWith(text: string, { registries, ...options }: ParseOptions): PipelineSpec {
  return checkRead(readPipeline(text, options), options.baseDir, registries, []);
}

/** Text to spec. Throws a ConfigError with all that is wrong; ERR_USAGE for an override that cannot be applied. */
export async function parseWithModules(text: string, { registries, ...options }: ParseOptions): Promise<PipelineSpec> {
  const read = readPipeline(text, options);
  const { baseDir } = options;
  const loaded = await withModules(read.value, baseDir, registries, (type) => isFile(absolutePath(type, baseDir)));
  return checkRead(read, baseDir, loaded.registries, loaded.issues);
}

interface ReadPipeline {
  readonly value: unknown;
  readonly locate: Locate;
  /** Variables that are not set. */
  readonly variables: readonly (ConfigIssue & { readonly keyPath: KeyPath })[];
}

function readPipeline(text: string, { file, env = {}, set = [] }: Omit<ParseOptions, 'registries'>): ReadPipeline {
  const overrides = set.map(parseOverride);
  const yaml = readYaml(text, file, (name) => (Object.hasOwn(env, name) ? env[name] : undefined));
  if (yaml.value === undefined) throw new ConfigError(yaml.issues);
  for (const override of overrides) applyOverride(yaml.value, override);

  const locate: Locate = (path, what) => {
    const override = overrides.findLast((one) => isWithin(path, one.path));
    return override ? { file: `--set ${override.text}`, path: formatKeyPath(path) } : yaml.locate(path, what);
  };
  // What an override replaced need not be right.
  const variables = yaml.issues.filter(({ keyPath }) => !overrides.some(({ path }) => isWithin(keyPath, path)));
  return { value: yaml.value, locate, variables };
}

function checkRead(
  { value, locate, variables }: ReadPipeline,
  baseDir: string,
  registries: Registries,
  modules: readonly ModuleIssue[],
): PipelineSpec {
  const unset = variables.map(({ keyPath }) => keyPath);
  const { spec, issues } = checkPipeline(value, baseDir, registries, locate, unset);
  const all = [
    ...variables.map(({ code, message, place }) => ({ code, message, place })),
    ...modules.map(({ code, message, path }) => ({ code, message, place: locate(path, 'value') })),
    ...issues,
  ];
  if (!spec || all.length > 0) throw new ConfigError(all);
  return spec;
}

/** Data to spec: what `parsePipelineWith` does after the text was read. Values at the paths of `skip` are known to be wrong. */
export function checkPipeline(
  value: unknown,
  baseDir: string,
  registries: Registries,
  locate: Locate,
  skip: readonly KeyPath[] = [],
): { spec: PipelineSpec | undefined; issues: ConfigIssue[] } {
  protectSecrets(value);
  const given: unknown = structuredClone(value);
  const issues: ConfigIssue[] = [];
  const add = (code: ConfigIssue['code'], message: string, place: Place): void => {
    issues.push({ code, message, place });
  };
  const isSkipped = (path: KeyPath): boolean => skip.some((one) => isWithin(path, one));
  const schema = checkSchema(value, registries).map((one) => ({ ...one, code: 'ERR_CONFIG_INVALID' as const }));
  const wrong = [...schema.map(({ path }) => path), ...skip];
  for (const issue of [...schema, ...checkOptions(value, registries, wrong), ...checkLinks(value, registries)]) {
    if (!isSkipped(issue.path)) add(issue.code, issue.message, locate(issue.path, issue.at));
  }
  for (const { path, file, what } of namedFiles(value)) {
    const absolute = absolutePath(file, baseDir);
    if (!isSkipped(path) && !isFile(absolute))
      add('ERR_CONFIG_FILE', `${what} '${file}' does not exist (looked for ${absolute})`, locate(path));
  }
  const spec =
    issues.length > 0
      ? undefined
      : normalise(value as Record<string, unknown>, given as Record<string, unknown>, baseDir, (path) => locate(path, 'key'));
  return { spec, issues };
}

function absolutePath(file: string, baseDir: string): string {
  if (!file.startsWith('file:')) return resolve(baseDir, file);
  try {
    return fileURLToPath(file);
  } catch {
    return file;
  }
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
