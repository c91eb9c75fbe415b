import { readdirSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MillraceError, type Place } from '../errors/errors.js';
import { makeFolderSync } from '../transports/make-folder.js';
import { LETTER_SUFFIX } from './letter.js';

const PART = /^\..+\.letter\..+\.part$/;
/** A temporary file of this age belongs to a dead process. */
const STALE_MS = 3_600_000;

/** The temporary name of a letter in its folder; its suffix differs from that of letters. */
export const partName = (name: string, writer: string): string => `.${name}.${writer}.part`;

/** Names of the letters in a folder, sorted by source, ordinal, node and time. */
export function letterNames(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(LETTER_SUFFIX) && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort();
}

/** Number of letters in a folder, including those being written. */
export function countLetters(directory: string): number {
  return readdirSync(directory).filter((name) => PART.test(name) || (name.endsWith(LETTER_SUFFIX) && !name.startsWith('.'))).length;
}

/** Removes the unfinished files of a dead writer; returns their number. `writer` is the beginning of their names. */
export function removeParts(directory: string, writer: string): number {
  let removed = 0;
  for (const name of readdirSync(directory)) {
    if (!PART.test(name) || !name.slice(name.lastIndexOf(LETTER_SUFFIX)).startsWith(`${LETTER_SUFFIX}.${writer}`)) continue;
    unlinkSync(join(directory, name));
    removed++;
  }
  return removed;
}

/**
 * Creates the folder if missing, checks that it is writable, and removes unfinished files of dead processes. Returns
 * the number of letters. Throws ERR_CONFIG_FILE with the place in the pipeline that names the folder.
 */
export function openLetterDirectory(directory: string, place?: Place, now = Date.now()): number {
  try {
    makeFolderSync(directory);
    const probe = join(directory, partName(`probe${LETTER_SUFFIX}`, String(process.pid)));
    rmSync(probe, { force: true }); // Left by a run that was killed here.
    // Never follow a link that another process created there.
    writeFileSync(probe, 'can this folder be written?', { flag: 'wx' });
    unlinkSync(probe);
    for (const name of readdirSync(directory)) {
      if (!PART.test(name)) continue;
      const part = join(directory, name);
      if (now - (statSync(part, { throwIfNoEntry: false })?.mtimeMs ?? now) > STALE_MS) unlinkSync(part);
    }
    return countLetters(directory);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const message = `cannot write to the folder of dead letters, ${directory}: ${text}`;
    throw new MillraceError('ERR_CONFIG_FILE', message, { cause: error, ...(place ? { place } : {}) });
  }
}
