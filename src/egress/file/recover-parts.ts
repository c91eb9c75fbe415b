import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, unlink } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from '../../errors/logger.js';
import type { FrameFormat } from './frame-format.js';
import { finalNameOf, insertText, publishPart } from './part-file.js';
import type { PathTemplate } from './path-template.js';

/** Removes the unfinished files of an earlier run in a folder, for a format whose files are all or nothing. */
export async function removeParts(folder: string, template: PathTemplate): Promise<void> {
  for (const partName of await readdir(folder)) {
    const name = finalNameOf(partName);
    if (name !== undefined && template.matches(name)) await unlink(path.join(folder, partName));
  }
}

/**
 * Publishes the unfinished files of an earlier run in a folder, truncated to the last whole row or frame. A file of one
 * frame whose end may be missing gets a name that marks it. Two open sinks must not write to the same path: each would
 * treat the other's part as a leftover.
 */
export async function recoverParts(folder: string, template: PathTemplate, format: FrameFormat, log: Logger): Promise<void> {
  for (const partName of await readdir(folder)) {
    const name = finalNameOf(partName);
    if (name === undefined || !template.matches(name)) continue;
    const part = path.join(folder, partName);
    const handle = await openOwnFile(part, log);
    if (!handle) continue;
    let wholeBytes: number;
    let complete: boolean;
    try {
      const { size, nlink } = await handle.stat();
      // The run died between renaming the file and removing the hidden name: the file is complete.
      if (nlink > 1) {
        await unlink(part);
        continue;
      }
      const recovered = await format.recover(handle, size);
      ({ wholeBytes, complete } = recovered);
      if (wholeBytes > 0) {
        await handle.truncate(wholeBytes);
        if (recovered.head) await handle.write(recovered.head, 0, recovered.head.length, 0);
        await handle.sync();
      }
    } finally {
      await handle.close();
    }
    if (wholeBytes === 0) {
      await unlink(part);
      log.warn({ part }, `removed ${part}, left by an earlier run: it has no whole row or frame`);
      continue;
    }
    const file = await publishPart(part, template.perFrame && !complete ? insertText(name, '-recovered') : name);
    log.warn({ part, file, wholeBytes }, `recovered ${part}, left by an earlier run, up to its last whole row or frame as ${file}`);
  }
}

/**
 * Opens a part for writing, unless it is a link or not a regular file: a sink creates none of these, and the target of
 * a link belongs to someone else.
 */
async function openOwnFile(part: string, log: Logger): Promise<FileHandle | undefined> {
  const refuse = (): undefined => log.warn({ part }, `${part} is a link or not a regular file; leaving it unchanged`) as undefined;
  if (!(await lstat(part)).isFile()) return refuse();
  let handle: FileHandle;
  try {
    // The file may have been exchanged since. On systems without these flags it was checked before.
    handle = await open(part, constants.O_RDWR | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ELOOP') return refuse();
    throw error;
  }
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  return refuse();
}
