import { lstat, mkdir } from 'node:fs/promises';
import { asMillraceError, MillraceError } from '../errors/errors.js';

/** Makes a folder (0700) unless it is there; refuses (ERR_STATE) a link, a folder of somebody else, and one that others may write to. */
export async function openPrivateFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const found = await lstat(path);
    if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0)
      throw new MillraceError('ERR_STATE', `${path} is a link, not ours, or writable by others`);
  } catch (thrown) {
    throw asMillraceError(thrown, 'ERR_STATE', `the folder ${path} cannot be used`);
  }
}
