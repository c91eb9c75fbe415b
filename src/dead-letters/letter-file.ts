import { closeSync, fsyncSync, linkSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { MillraceError } from '../errors/errors.js';
import { decodeLetter } from './decode-letter.js';
import { encodeLetter } from './encode-letter.js';
import { LETTER_SUFFIX, type Letter, type LetterHeader, MAX_LETTER_HEADER_BYTES } from './letter.js';
import { partName } from './letter-directory.js';
import { letterName } from './letter-name.js';

/** Most headers are shorter. */
const FIRST_READ_BYTES = 16_384;
/** A frame is smaller than an arena. */
const MAX_FILE_BYTES = 2 ** 32 + MAX_LETTER_HEADER_BYTES;
const PIECE_BYTES = 2 ** 30;

/**
 * Writes a letter atomically: a file under its final name is complete, also after a crash of the machine. The letter is
 * written under a temporary name, made durable, then named, and never replaces another file. `writer` distinguishes
 * concurrent writers. Returns its path. Throws file system errors; then no file remains.
 */
export function writeLetter(directory: string, letter: Letter, writer: string): string {
  const name = letterName(letter);
  const part = join(directory, partName(name, writer));
  const file = openSync(part, 'wx');
  try {
    try {
      for (const piece of encodeLetter(letter)) writeAll(file, piece);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    const path = publish(directory, part, name);
    syncFolder(directory);
    return path;
  } catch (error) {
    remove(part);
    throw error;
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, Math.min(PIECE_BYTES, bytes.length - done));
}

function publish(directory: string, part: string, name: string): string {
  for (let number = 0; ; number++) {
    const path = join(directory, number === 0 ? name : `${name.slice(0, -LETTER_SUFFIX.length)}-${number}${LETTER_SUFFIX}`);
    try {
      linkSync(part, path); // Fails when the name exists, where a rename would replace the file.
      remove(part);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      renameSync(part, path); // Some file systems have no links.
    }
    return path;
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // The file does not exist.
  }
}

/** Makes the names in a folder durable; not every system supports that. */
function syncFolder(directory: string): void {
  try {
    const folder = openSync(directory, 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch {
    // The names are as durable as the system allows.
  }
}

/**
 * The header of a letter, without its data. Throws ERR_FORMAT with the file name when the file is not a complete
 * letter.
 */
export async function readLetterHeader(path: string): Promise<LetterHeader & { readonly fileBytes: number }> {
  return withFile(path, async (file, fileBytes) => {
    const { header } = await readHeader(file, fileBytes);
    return { ...header, fileBytes };
  });
}

/** A complete letter. Throws ERR_FORMAT with the file name when the file is not one. */
export async function readLetter(path: string): Promise<Letter> {
  return withFile(path, async (file, fileBytes) => {
    const { header, dataOffset } = await readHeader(file, fileBytes);
    return { ...header, data: await read(file, dataOffset, fileBytes - dataOffset) };
  });
}

async function withFile<T>(path: string, use: (file: FileHandle, fileBytes: number) => Promise<T>): Promise<T> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const stat = await file.stat();
    if (!stat.isFile()) throw new MillraceError('ERR_FORMAT', 'it is not a file');
    if (stat.size > MAX_FILE_BYTES) throw new MillraceError('ERR_FORMAT', `it has ${stat.size} bytes`);
    return await use(file, stat.size);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new MillraceError('ERR_FORMAT', `${path}: not a dead letter: ${text}`, { cause: error });
  } finally {
    await file?.close();
  }
}

async function readHeader(file: FileHandle, fileBytes: number): Promise<ReturnType<typeof decodeLetter>> {
  const first = await read(file, 0, Math.min(fileBytes, FIRST_READ_BYTES));
  try {
    return decodeLetter(first, fileBytes);
  } catch (error) {
    if (first.length === fileBytes) throw error;
    return decodeLetter(await read(file, 0, Math.min(fileBytes, MAX_LETTER_HEADER_BYTES)), fileBytes);
  }
}

async function read(file: FileHandle, offset: number, lengthBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(lengthBytes);
  for (let done = 0; done < lengthBytes; ) {
    const { bytesRead } = await file.read(bytes, done, Math.min(PIECE_BYTES, lengthBytes - done), offset + done);
    if (bytesRead === 0) throw new MillraceError('ERR_FORMAT', `it became shorter during the read`);
    done += bytesRead;
  }
  return bytes;
}
