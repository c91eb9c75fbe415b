import { lstat } from 'node:fs/promises';
import { asMillraceError, MillraceError } from '../errors/errors.js';
import { makeFolder } from '../transports/make-folder.js';

/**
 * Creates a folder (0700) unless it exists; returns whether it was created. Refuses (ERR_STATE) a link, a folder of
 * another user, and a folder that others may write to.
 */
export async function openPrivateFolder(path: string): Promise<boolean> {
  try {
    const made = await makeFolder(path, 0o700);
    if (!(await isPrivateFolder(path)))
      throw new MillraceError('ERR_STATE', `${path} is a link, belongs to another user, or is writable by others`);
    return made !== undefined;
  } catch (thrown) {
    throw asMillraceError(thrown, 'ERR_STATE', `cannot use the folder ${path}`);
  }
}

/**
 * Whether the path is a folder of this user, not a link, that no other user may write to. Rejects when it does not
 * exist.
 */
export async function isPrivateFolder(path: string): Promise<boolean> {
  const found = await lstat(path);
  return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
}
