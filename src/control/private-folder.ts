import { lstat } from 'node:fs/promises';
import { asMillraceError, MillraceError } from '../errors/errors.js';
import { makeFolder } from '../transports/make-folder.js';

/**
 * Makes a folder (0700) unless it is there, and tells whether it was made; refuses (ERR_STATE) a link, a folder of somebody
 * else, and one that others may write to.
 */
export async function openPrivateFolder(path: string): Promise<boolean> {
  try {
    const made = await makeFolder(path, 0o700);
    if (!(await isPrivateFolder(path))) throw new MillraceError('ERR_STATE', `${path} is a link, not ours, or writable by others`);
    return made !== undefined;
  } catch (thrown) {
    throw asMillraceError(thrown, 'ERR_STATE', `the folder ${path} cannot be used`);
  }
}

/** Whether it is a folder, no link, of this user, that nobody else may write to. Rejects when it is not there. */
export async function isPrivateFolder(path: string): Promise<boolean> {
  const found = await lstat(path);
  return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
}
