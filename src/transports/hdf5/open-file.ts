import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { MillraceError } from '../../errors/errors.js';
import { damaged } from './damaged.js';
import { Hdf5Bytes } from './file-bytes.js';
import type { LibraryFile, OpenLibraryFile } from './library-file.js';
import { readSuperblock, type Superblock } from './superblock.js';

/** A file that is open in both ways: by its bytes, and by the library for its tree. */
export class OpenFile {
  readonly path: string;
  readonly bytes: Hdf5Bytes;
  readonly superblock: Superblock;
  readonly #openLibrary: OpenLibraryFile;
  #library: LibraryFile | undefined;

  constructor(file: string, openLibrary: OpenLibraryFile) {
    this.path = file;
    this.#openLibrary = openLibrary;
    this.bytes = new Hdf5Bytes(file);
    try {
      this.superblock = readSuperblock(this.bytes);
      this.bytes.baseAddress = this.superblock.baseAddress;
    } catch (error) {
      this.bytes.close();
      throw error;
    }
  }

  get library(): LibraryFile {
    if (this.#library) return this.#library;
    const { closedBytes, baseAddress } = this.superblock;
    try {
      this.#library = this.#openLibrary(this.path, closedBytes && { place: baseAddress, bytes: closedBytes });
    } catch (error) {
      const { openForWriting, cutOff } = this.superblock;
      const why = openForWriting
        ? 'its writer did not close it, or is still writing'
        : cutOff
          ? 'it is cut off: shorter than its header says'
          : 'its structure is damaged';
      throw damaged(`the file begins as HDF5 but cannot be opened; ${why}`, error);
    }
    return this.#library;
  }

  close(): void {
    this.#library?.close();
    this.#library = undefined;
    this.bytes.close();
  }
}

/** A file is not there to which a link or a virtual dataset refers. */
export class MissingFile extends MillraceError {
  constructor(name: string, place: string) {
    super('ERR_FORMAT', `hdf5: the linked file ${name} is missing (looked for ${place})`);
  }
}

const MAX_OPEN = 16;

/** The files that are open while links are followed; the oldest is closed where there are too many. */
export class FileFamily {
  readonly root: OpenFile;
  readonly #openLibrary: OpenLibraryFile;
  readonly #others = new Map<string, OpenFile>();

  constructor(root: string, openLibrary: OpenLibraryFile) {
    this.#openLibrary = openLibrary;
    this.root = new OpenFile(realpathSync(root), openLibrary);
  }

  open(file: string): OpenFile {
    if (file === this.root.path) return this.root;
    const known = this.#others.get(file);
    if (known) return known;
    const opened = new OpenFile(file, this.#openLibrary);
    if (this.#others.size >= MAX_OPEN) {
      const [oldest, other] = this.#others.entries().next().value!;
      other.close();
      this.#others.delete(oldest);
    }
    this.#others.set(file, opened);
    return opened;
  }

  close(): void {
    for (const file of this.#others.values()) file.close();
    this.#others.clear();
    this.root.close();
  }
}

/**
 * The file that a link or a virtual dataset names: by its absolute path, beside the file that names it, or in the working
 * directory, as HDF5 looks for it. Throws MissingFile that names it.
 */
export function findLinkedFile(name: string, from: string): string {
  if (name === '.' || name === '') return from;
  const folder = path.dirname(from);
  const places = path.isAbsolute(name) ? [name, path.join(folder, path.basename(name))] : [path.resolve(folder, name), path.resolve(name)];
  const found = places.find((place) => existsSync(place));
  if (found === undefined) throw new MissingFile(name, places[0]!);
  return realpathSync(found);
}
