import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** One file of a module. */
export interface ModuleFile {
  readonly url: string;
  /** SHA-256 of its bytes, in hexadecimal. */
  readonly hash: string;
  /** Its text, where it is code: with it a later thread can run the same. */
  readonly source?: string;
}

/** The code of a module: its own file first, then those that it names by relative paths, and so on. */
export interface ModuleCode {
  readonly url: string;
  /** SHA-256 of all files and of where they lie to each other; empty where the module is no readable file. */
  readonly hash: string;
  readonly files: readonly ModuleFile[];
}

/** `from './x'`, `import './x'`, `import('./x')`, `require('./x')` and `new URL('./x', ...)`; one in a comment does no harm. */
const REFERENCE = /(?:\bfrom|\bimport|\bimport\s*\(|\brequire\s*\(|\bnew\s+URL\s*\()\s*(['"`])(\.{1,2}\/[^'"`\n]+)\1/g;
const CODE = /\.(?:[cm]?[jt]s|json)$/;
/** What `require` may leave out of a name. */
const ENDINGS = ['', '.js', '.cjs', '.json', '/index.js'];
const MAX_FILES = 500;
/** A larger file is taken for data, which is not read for this. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;

/** Reads the code of a module as it is now. What is not found, or is named in another way, is left out. */
export function readModuleCode(url: string): ModuleCode {
  const files = new Map<string, ModuleFile>();
  const waiting = [url];
  for (let next = waiting.shift(); next !== undefined && files.size < MAX_FILES; next = waiting.shift()) {
    if (files.has(next)) continue;
    const bytes = readBounded(next);
    if (!bytes) continue;
    const hash = sha256(bytes);
    if (!CODE.test(new URL(next).pathname)) {
      files.set(next, { url: next, hash });
      continue;
    }
    const source = bytes.toString('utf8');
    files.set(next, { url: next, hash, source });
    for (const [, , name] of source.matchAll(REFERENCE)) waiting.push(...candidates(name!, next));
  }
  return { url, hash: hashOf(url, [...files.values()]), files: [...files.values()] };
}

/** The hash of a file as it is now, as `readModuleCode` has it; undefined where it cannot be read. */
export function fileHash(url: string): string | undefined {
  const bytes = readBounded(url);
  return bytes && sha256(bytes);
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function candidates(name: string, from: string): string[] {
  const found = ENDINGS.map((ending) => new URL(name + ending, from).href).find(isFile);
  return found === undefined ? [] : [found];
}

function isFile(url: string): boolean {
  try {
    return statSync(pathOf(url)).isFile();
  } catch {
    return false;
  }
}

function readBounded(url: string): Buffer | undefined {
  try {
    return statSync(pathOf(url)).size > MAX_FILE_BYTES ? undefined : readFileSync(pathOf(url));
  } catch {
    return undefined;
  }
}

/** The path of a `file:` URL; its query is the module system's. */
export const pathOf = (url: string): string => fileURLToPath(url);

function hashOf(url: string, files: readonly ModuleFile[]): string {
  if (files[0]?.url !== url) return '';
  const folder = dirname(pathOf(url));
  const hash = createHash('sha256');
  for (const line of files.map((file) => `${relative(folder, pathOf(file.url))}\n${file.hash}\n`).sort()) hash.update(line);
  return hash.digest('hex');
}

/** The URL of a module that a pipeline names by its path, or undefined for the name of a built-in. */
export function moduleUrl(type: string, baseDir: string): string | undefined {
  if (type.startsWith('file:')) return type;
  if (type.startsWith('./') || type.startsWith('../') || isAbsolute(type)) return pathToFileURL(resolve(baseDir, type)).href;
  return undefined;
}
