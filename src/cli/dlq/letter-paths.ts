import { lstat, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { LETTER_SUFFIX } from '../../dead-letters/letter.js';
import { letterNames } from '../../dead-letters/letter-directory.js';
import { asMillraceError, MillraceError } from '../../errors/errors.js';

/** Sorted paths of the letters in a folder. Throws ERR_USAGE when the path is not a folder or cannot be read. */
export async function lettersIn(directory: string): Promise<string[]> {
  try {
    return letterNames(directory).map((name) => join(directory, name));
  } catch (error) {
    throw asMillraceError(error, 'ERR_USAGE', `the folder ${directory} cannot be read`);
  }
}

/**
 * Replaces each folder by the letters in it. Lists each path once; throws ERR_USAGE for a path that is neither a folder
 * nor a letter.
 */
export async function letterPaths(paths: readonly string[]): Promise<string[]> {
  const found = new Map<string, string>();
  for (const path of paths) {
    const isFolder = await stat(path).then(
      (entry) => entry.isDirectory(),
      () => false,
    );
    for (const letter of isFolder ? await lettersIn(path) : [await letterPath(path)]) found.set(resolve(letter), letter);
  }
  return [...found.values()];
}

/** Only letters are accepted, because the caller may remove these files. */
async function letterPath(path: string): Promise<string> {
  if (!path.endsWith(LETTER_SUFFIX))
    throw new MillraceError('ERR_USAGE', `${path}: neither a folder nor a dead letter (*${LETTER_SUFFIX})`);
  try {
    if ((await lstat(path)).isFile()) return path;
  } catch (error) {
    throw asMillraceError(error, 'ERR_USAGE', path);
  }
  throw new MillraceError('ERR_USAGE', `${path}: not a file`);
}
