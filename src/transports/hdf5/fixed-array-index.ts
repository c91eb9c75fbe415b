import { ADDRESS_BYTES, entryFormat, readEntry } from './chunk-entries.js';
import { type ChunkIndex, gridOf, linearPlace, type StoredChunk } from './chunk-grid.js';
import { damaged } from './damaged.js';
import type { Hdf5Bytes } from './file-bytes.js';
import { UNDEFINED } from './structure-bytes.js';
import { StructureCache } from './structure-cache.js';

const HEADER_BYTES = 28;
const BLOCK_HEAD_BYTES = 14;
const CHECKSUM_BYTES = 4;

/** The chunk index of a dataset whose size cannot change. Definition: HDF5 File Format Specification 4.0, VII.D. */
export function fixedArrayIndex(
  file: Hdf5Bytes,
  address: number,
  maxShape: readonly number[],
  chunk: readonly number[],
  chunkBytes: number,
): ChunkIndex {
  if (address === UNDEFINED) return { empty: true, find: () => undefined };
  const header = file.checkedStructure(address, HEADER_BYTES, 'fixed array');
  header.signature('FAHD');
  header.skip(1);
  const format = entryFormat(header.u8(), header.u8(), chunkBytes);
  const pageBits = header.u8();
  const entries = header.length(8);
  const blockAddress = header.address(ADDRESS_BYTES);
  if (pageBits > 30) throw damaged('a fixed array with pages that are too large');
  const grid = gridOf(maxShape, chunk);
  const pageEntries = 2 ** pageBits;
  const paged = entries > pageEntries;
  const pages = new StructureCache<readonly (StoredChunk | undefined)[]>();
  const pageCount = Math.ceil(entries / pageEntries);
  const bitmap = paged ? readBitmap() : undefined;

  return {
    empty: blockAddress === UNDEFINED,
    find(place) {
      if (blockAddress === UNDEFINED) return undefined;
      const linear = linearPlace(place, grid);
      if (linear >= entries) throw damaged('the chunk index is shorter than the dataset');
      const page = paged ? Math.floor(linear / pageEntries) : 0;
      return pages.get(page, () => readPage(page))[linear - page * pageEntries];
    },
  };

  function readBitmap(): Uint8Array | undefined {
    if (blockAddress === UNDEFINED) return undefined;
    const bytes = Math.ceil(pageCount / 8);
    const head = file.checkedStructure(blockAddress, BLOCK_HEAD_BYTES + bytes + CHECKSUM_BYTES, 'fixed array block');
    head.signature('FADB');
    head.skip(BLOCK_HEAD_BYTES - 4);
    return head.take(bytes);
  }

  function readPage(page: number): readonly (StoredChunk | undefined)[] {
    if (!bitmap) {
      const bytes = file.checkedStructure(
        blockAddress,
        BLOCK_HEAD_BYTES + entries * format.entryBytes + CHECKSUM_BYTES,
        'fixed array block',
      );
      bytes.signature('FADB');
      bytes.skip(BLOCK_HEAD_BYTES - 4);
      return Array.from({ length: entries }, () => readEntry(bytes, format));
    }
    // The highest bit of a byte is its first page.
    if (!(bitmap[page >> 3]! & (0x80 >> (page & 7)))) return [];
    const first = blockAddress + BLOCK_HEAD_BYTES + bitmap.length + CHECKSUM_BYTES;
    const count = Math.min(pageEntries, entries - page * pageEntries);
    const place = first + page * (pageEntries * format.entryBytes + CHECKSUM_BYTES);
    const bytes = file.checkedStructure(place, count * format.entryBytes + CHECKSUM_BYTES, 'fixed array page');
    return Array.from({ length: count }, () => readEntry(bytes, format));
  }
}
