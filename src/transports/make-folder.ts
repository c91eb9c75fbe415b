import { mkdirSync, statSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';

// Node's `recursive` loops for ever where a folder cannot be made although its parent exists, as below /proc. Here each
// folder is made once.

/** Makes a folder and those above it that are missing. Returns the first that it made; undefined where all were there. */
export async function makeFolder(folder: string, mode?: number): Promise<string | undefined> {
  const missing: string[] = [];
  for (let at = path.resolve(folder); !(await isThere(at)); at = path.dirname(at)) missing.push(at);
  let first: string | undefined;
  for (const one of missing.reverse()) {
    try {
      await mkdir(one, mode);
      first ??= one;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error; // another made it meanwhile
    }
  }
  if (!(await stat(folder)).isDirectory()) await mkdir(folder); // throws EEXIST
  return first;
}

/** The same, at once. */
export function makeFolderSync(folder: string): void {
  const missing: string[] = [];
  for (let at = path.resolve(folder); statSync(at, { throwIfNoEntry: false }) === undefined; at = path.dirname(at)) missing.push(at);
  for (const one of missing.reverse()) {
    try {
      mkdirSync(one);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
  if (!statSync(folder).isDirectory()) mkdirSync(folder);
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;

async function isThere(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return false;
    throw error;
  }
}
