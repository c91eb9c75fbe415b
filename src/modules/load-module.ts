import { createRequire } from 'node:module';
import { MillraceError } from '../errors/errors.js';
import type { Logger } from '../errors/logger.js';
import { loadKeptSources } from './kept-sources.js';
import { fileHash, type ModuleCode, pathOf, readModuleCode } from './module-code.js';
import { whereItFails } from './module-failure.js';

export type Exports = Readonly<Record<string, unknown>>;

/** What a module is for in a pipeline: its kind, and its path as the pipeline has it. */
export interface ModuleUse {
  readonly kind: 'operator' | 'source' | 'sink' | 'codec';
  readonly type: string;
}

/** For messages: `operator ./hit-finder.mjs`. */
export const nameOf = ({ kind, type }: ModuleUse): string => `${kind} ${type}`;

/** What this thread has loaded, by URL and hash. A module system keeps what it loaded for good, so this may as well. */
const loaded = new Map<string, Exports>();
/** Of each file, the hash of the bytes that the module system has under its plain URL. */
const plain = new Map<string, string>();
/** How often a module may change during its load. */
const MAX_TRIES = 3;

const keyOf = ({ url, hash }: ModuleCode): string => `${hash} ${url}`;

/**
 * Loads a module as it is on disk now, for the plan: anew where its own file has changed since this thread loaded it.
 * @throws ERR_CONFIG_FILE: it cannot be loaded, or a file that it imports has changed, which only a new process can load anew
 */
export async function loadPresentModule(url: string, use: ModuleUse): Promise<{ readonly exports: Exports; readonly code: ModuleCode }> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const code = readModuleCode(url);
    const known = loaded.get(keyOf(code));
    if (known) return { exports: known, code };
    const exports = await importAs(urlFor(code, use), code, use);
    if (readModuleCode(url).hash !== code.hash) continue;
    loaded.set(keyOf(code), exports);
    return { exports, code };
  }
  throw new MillraceError('ERR_CONFIG_FILE', `cannot load the ${nameOf(use)}: its file changes while it is loaded; start again`);
}

/**
 * Loads a module in another thread: the code of the plan, even if the files have changed since.
 * @throws ERR_CONFIG_FILE where the code of the plan cannot be loaded any more
 */
export async function loadPlannedModule(code: ModuleCode, use: ModuleUse, log: Logger): Promise<Exports> {
  const known = loaded.get(keyOf(code));
  if (known) return known;
  const changed = changedFiles(code);
  if (changed.length > 0) {
    loadKeptSources(code, changed, nameOf(use));
    log.warn(
      { [use.kind]: use.type },
      `${nameOf(use)}: ${changed.join(', ')} changed since the run began; this thread runs the code of its beginning`,
    );
  }
  const exports = await importAs(code.url, code, use);
  if (changed.length === 0 && changedFiles(code).length > 0) {
    const text = `${nameOf(use)}: ${changedFiles(code).join(', ')} changed while a thread loaded it; start the run again`;
    throw new MillraceError('ERR_CONFIG_FILE', text);
  }
  loaded.set(keyOf(code), exports);
  return exports;
}

async function importAs(url: string, code: ModuleCode, use: ModuleUse): Promise<Exports> {
  try {
    const exports = (await import(/* @vite-ignore */ url)) as Exports;
    if (url === code.url) for (const file of code.files) plain.set(file.url, file.hash);
    return exports;
  } catch (cause) {
    const where = await whereItFails(cause, code);
    const { name, message } = cause instanceof Error ? cause : new Error(String(cause));
    const reason = name === 'SyntaxError' ? `${name}: ${message}` : message;
    throw new MillraceError('ERR_CONFIG_FILE', `cannot load the ${nameOf(use)}: ${where}${reason}`, { cause });
  }
}

/** The URL under which the module system loads these bytes of the module's own file, and not others that it has already. */
function urlFor({ url, hash, files }: ModuleCode, use: ModuleUse): string {
  const stale = files.filter((file) => plain.has(file.url) && plain.get(file.url) !== file.hash);
  const own = stale.find((file) => file.url === url);
  const isCommonJs = own && createRequire(url).cache[pathOf(url)] !== undefined;
  const fixed = stale.find((file) => file !== own || isCommonJs);
  if (fixed && (fixed.source !== undefined || isCommonJs)) {
    const text = `${nameOf(use)}: ${pathOf(fixed.url)} has changed since this process loaded it, and it cannot be loaded anew: start the process again`;
    throw new MillraceError('ERR_CONFIG_FILE', text);
  }
  return own ? `${url}${url.includes('?') ? '&' : '?'}millrace=${hash.slice(0, 16)}` : url;
}

/** Paths of the files that are not any more what they were at the plan. */
function changedFiles({ files }: ModuleCode): string[] {
  return files.filter(({ url, hash }) => fileHash(url) !== hash).map(({ url }) => pathOf(url));
}
