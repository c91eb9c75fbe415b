import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, unlink } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from '../../errors/logger.js';
import type { FrameFormat } from './frame-format.js';
import { finalNameOf, insertText, publishPart } from './part-file.js';
import type { PathTemplate } from './path-template.js';

/** Removes what an earlier run left unfinished in a folder, of a format whose files are whole or nothing. */
export async function removeParts(folder: string, template: PathTemplate): Promise<void> {
  for (const partName of await readdir(folder)) {
    const name = finalNameOf(partName);
    if (name !== undefined && template.matches(name)) await unlink(path.join(folder, partName));
  }
}

/**
 * Publishes what an earlier run left unfinished in a folder, cut to its last whole row or frame. A file of one frame that
 * may lack its end gets a name that says so. Two sinks at work must not write the same path: each would take the other's
 * part for a leftover.
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
      // The run died between giving the file its name and taking the hidden one away: it is finished and named.
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
      log.warn({ part }, `${part}, left by an earlier run, holds no whole row or frame and is removed`);
      continue;
    }
    const file = await publishPart(part, template.perFrame && !complete ? insertText(name, '-recovered') : name);
    log.warn({ part, file, wholeBytes }, `${part}, left by an earlier run, is recovered up to its last whole row or frame as ${file}`);
  }
}

/**
 * Opens a part to change it, unless it is a link or no file: a sink makes none of these, and behind a link lies the file of
 * somebody else.
 */
async function openOwnFile(part: string, log: Logger): Promise<FileHandle | undefined> {
  const refuse = (): undefined => log.warn({ part }, `${part} is a link or no regular file: it is left alone`) as undefined;
  if (!(await lstat(part)).isFile()) return refuse();
  let handle: FileHandle;
  try {
    // It may have become another one since. Where the system has no such flags, it was looked at before.
    handle = await open(part, constants.O_RDWR | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ELOOP') return refuse();
    throw error;
  }
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  return refuse();
}
