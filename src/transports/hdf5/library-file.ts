import type { DType } from '../../frame/dtype.js';

/** One HDF5 file, opened by the HDF5 library: its tree, and pixels that only the library can unpack. Paths are absolute. */
export interface LibraryFile {
  typeOf(path: string): 'group' | 'dataset' | undefined;
  /** The target of the last part of a path, if it is a link; throws if nothing has this name. */
  linkAt(path: string): { readonly file?: string; readonly path: string } | undefined;
  /** Names in a group. */
  names(path: string): readonly string[];
  /** The text of an attribute; undefined where it is missing or no text. */
  textAttribute(path: string, name: string): string | undefined;
  /** The address of an object's header. */
  addressOf(path: string): number;
  describe(path: string): LibraryDataset;
  readBox(path: string, start: readonly number[], count: readonly number[]): Uint8Array;
  close(): void;
}

export interface LibraryDataset {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly itemBytes: number;
  readonly chunk: readonly number[] | undefined;
  readonly filters: readonly { readonly id: number; readonly name: string }[];
}

/** The correct first bytes of the superblock, for a file that its writer did not close. */
export interface ClosedSuperblock {
  readonly place: number;
  readonly bytes: Uint8Array;
}

export type OpenLibraryFile = (path: string, closed: ClosedSuperblock | undefined) => LibraryFile;
