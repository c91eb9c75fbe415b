import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { asMillraceError, type MillraceError } from '../errors/errors.js';
import { BUILTIN } from './builtin-registries.js';
import { ConfigError } from './config-error.js';
import { formatKeyPath } from './key-path.js';
import { checkPipeline, type ParseOptions, parseWithModules } from './parse-pipeline.js';
import type { Registries } from './registries.js';
import type { PipelineSpec } from './spec.js';

/** Longest pipeline file, in bytes. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

export interface LoadOptions {
  /** Overrides, each `path=value` with the value in YAML, such as `stages.reduce.operators[1].bins=500`. */
  readonly set?: readonly string[];
  /** Variables for `${NAME}`; default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly registries?: Registries;
}

/**
 * Reads and checks a pipeline file. Relative paths in it are relative to its folder.
 * Throws a ConfigError that lists everything that is wrong, each with its place.
 */
export async function loadPipeline(path: string, options: LoadOptions = {}): Promise<PipelineSpec> {
  const text = await readText(path);
  return parsePipeline(text, { ...options, file: path, baseDir: dirname(resolve(path)) });
}

/** As `loadPipeline`, from text; `file` is its name in messages. */
export async function parsePipeline(text: string, options: LoadOptions & Pick<ParseOptions, 'file' | 'baseDir'>): Promise<PipelineSpec> {
  return parseWithModules(text, { env: process.env, registries: BUILTIN, ...options, baseDir: resolve(options.baseDir) });
}

/** A spec from data in the form of a pipeline file. The data is not changed. Throws a ConfigError with the paths of keys. */
export function specFromObject(
  object: unknown,
  options: { readonly baseDir?: string; readonly registries?: Registries } = {},
): PipelineSpec {
  const { baseDir = '.', registries = BUILTIN } = options;
  let copy: unknown;
  try {
    copy = structuredClone(object);
  } catch (cause) {
    throw asMillraceError(cause, 'ERR_CONFIG_INVALID', 'a pipeline is plain data');
  }
  const { spec, issues } = checkPipeline(copy, resolve(baseDir), registries, (path) => ({ path: formatKeyPath(path) }));
  if (!spec) throw new ConfigError(issues);
  return spec;
}

async function readText(path: string): Promise<string> {
  const failed = (message: string): MillraceError => new ConfigError([{ code: 'ERR_CONFIG_FILE', message, place: { file: path } }]);
  try {
    const file = await open(path);
    try {
      const stat = await file.stat();
      if (stat.size > MAX_FILE_BYTES) throw failed(`the file has ${stat.size} bytes; a pipeline may have ${MAX_FILE_BYTES}`);
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await file.readFile());
    } finally {
      await file.close();
    }
  } catch (thrown) {
    if (thrown instanceof ConfigError) throw thrown;
    throw failed(`the pipeline cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}
