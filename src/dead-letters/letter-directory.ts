import { readdirSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MillraceError, type Place } from '../errors/errors.js';
import { makeFolderSync } from '../transports/make-folder.js';
import { LETTER_SUFFIX } from './letter.js';

const PART = /^\..+\.letter\..+\.part$/;
/** A temporary file so old is a dead process's. */
const STALE_MS = 3_600_000;

/** The name under which a letter is written, in its folder; it ends as no letter does. */
export const partName = (name: string, writer: string): string => `.${name}.${writer}.part`;

/** Names of the letters in a folder, sorted: by source, ordinal, node and time. */
export function letterNames(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(LETTER_SUFFIX) && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort();
}

/** Letters in a folder, those included that are being written. */
export function countLetters(directory: string): number {
  return readdirSync(directory).filter((name) => PART.test(name) || (name.endsWith(LETTER_SUFFIX) && !name.startsWith('.'))).length;
}

/** Removes what a writer that is gone left half written; how many. `writer` is the beginning of its name. */
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
 * Makes the folder where it is missing, tries whether it can be written, removes what dead processes left half written.
 * How many letters it holds. Throws ERR_CONFIG_FILE with the place of the pipeline that names it.
 */
export function openLetterDirectory(directory: string, place?: Place, now = Date.now()): number {
  try {
    makeFolderSync(directory);
    const probe = join(directory, partName(`probe${LETTER_SUFFIX}`, String(process.pid)));
    rmSync(probe, { force: true }); // of a run that was killed here
    // Never through a link that somebody put there.
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
    const message = `the folder of dead letters, ${directory}, cannot be written: ${text}`;
    throw new MillraceError('ERR_CONFIG_FILE', message, { cause: error, ...(place ? { place } : {}) });
  }
}
