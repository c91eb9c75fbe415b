import path from 'node:path';
import { MillraceError } from '../../errors/errors.js';
import type { DType } from '../../frame/dtype.js';
import type { ArrayReader } from './box.js';
import { chunkedArray } from './chunked-array.js';
import { damaged, NotUnderstood } from './damaged.js';
import { type DatasetHeader, readDatasetHeader } from './dataset-header.js';
import { refuseUnknownFilters, refuseUnlessLibrary, undoneHere } from './filter-pipeline.js';
import { libraryArray } from './library-array.js';
import type { OpenLibraryFile } from './library-file.js';
import { locate } from './locate.js';
import { FileFamily, findLinkedFile, OpenFile } from './open-file.js';
import { compactArray, contiguousArray } from './plain-array.js';
import { virtualArray } from './virtual-array.js';
import { readVirtualLayout } from './virtual-layout.js';

/** Where a dataset is, after all links. */
export interface DatasetPlace {
  readonly file: string;
  readonly path: string;
  readonly address: number;
}

/** Items are little-endian; 16-bit floats are still 2 bytes each. */
export interface OpenArray extends ArrayReader {
  readonly dtype: DType;
  readonly half: boolean;
  close(): void;
}

export interface DatasetInfo {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly half: boolean;
}

/** A virtual dataset may have virtual datasets as sources. */
const MAX_NESTING = 8;

/** Shape and type of a dataset. Throws ERR_FORMAT when its items are no numbers. */
export function describe(file: OpenFile, place: DatasetPlace): DatasetInfo {
  const header = headerOf(file, place);
  if (!header) return { ...file.library.describe(place.path), half: false };
  return { shape: header.shape, dtype: header.element.dtype, half: header.element.half };
}

/** Undefined where only the library understands the header. */
function headerOf(file: OpenFile, place: DatasetPlace): DatasetHeader | undefined {
  try {
    return readDatasetHeader(file.bytes, place.address);
  } catch (error) {
    if (error instanceof NotUnderstood) return undefined;
    throw error;
  }
}

/** Opens the pixels of a dataset, in the way that its layout and filters need. Throws ERR_FORMAT. */
export function openArray(place: DatasetPlace, openLibrary: OpenLibraryFile, nesting = 0): OpenArray {
  if (nesting > MAX_NESTING) throw damaged('virtual datasets refer to each other without an end');
  const file = new OpenFile(place.file, openLibrary);
  try {
    const header = headerOf(file, place);
    const reader = header ? readerOf(file, header, openLibrary, nesting) : undefined;
    const { element } = header ?? {};
    if (reader && element) {
      const close = () => {
        reader.close?.();
        file.close();
      };
      return { ...reader, dtype: element.dtype, half: element.half, close };
    }
    const { library } = file;
    const described = library.describe(place.path);
    refuseUnlessLibrary(described.filters);
    return { ...libraryArray(library, place.path, described), dtype: described.dtype, half: false, close: () => file.close() };
  } catch (error) {
    file.close();
    throw error;
  }
}

/** Undefined where the library has to read the dataset. */
function readerOf(file: OpenFile, header: DatasetHeader, openLibrary: OpenLibraryFile, nesting: number): ArrayReader | undefined {
  const { layout, filters, element } = header;
  if (layout.kind === 'compact') return compactArray(header, layout.data);
  if (layout.kind === 'contiguous') return contiguousArray(file.bytes, header, layout.address);
  if (layout.kind === 'chunked') {
    refuseUnknownFilters(filters);
    return undoneHere(filters) ? chunkedArray(file.bytes, header, layout) : undefined;
  }
  const mappings = readVirtualLayout(file.bytes, layout.heapAddress, layout.heapIndex);
  return virtualArray(header, mappings, (fileName, dataset) => {
    const source = openSource(file, fileName, dataset, openLibrary, nesting);
    if (source.dtype === element.dtype && source.half === element.half) return source;
    source.close();
    throw damaged(`its source ${fileName} has items of ${source.dtype}, not ${element.dtype}`);
  });
}

function openSource(from: OpenFile, fileName: string, dataset: string, openLibrary: OpenLibraryFile, nesting: number): OpenArray {
  const target = findLinkedFile(fileName, from.path);
  const family = new FileFamily(target, openLibrary);
  let place: DatasetPlace;
  try {
    const located = locate(family, dataset);
    if (located.type !== 'dataset') throw damaged(`${dataset} in ${path.basename(target)} is no dataset`);
    place = placeOf(located.file, located.path);
  } catch (error) {
    throw error instanceof MillraceError && error.code === 'ERR_CONFIG_INVALID' ? damaged(error.message, error) : error;
  } finally {
    family.close();
  }
  return openArray(place, openLibrary, nesting + 1);
}

export const placeOf = (file: OpenFile, name: string): DatasetPlace => ({
  file: file.path,
  path: name,
  address: file.library.addressOf(name),
});
