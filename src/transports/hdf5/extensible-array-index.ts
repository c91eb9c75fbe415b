import { ADDRESS_BYTES, entryFormat, readEntry } from './chunk-entries.js';
import { type ChunkIndex, gridOf, linearPlace, type StoredChunk } from './chunk-grid.js';
import { damaged } from './damaged.js';
import type { Hdf5Bytes } from './file-bytes.js';
import { type StructureBytes, UNDEFINED } from './structure-bytes.js';
import { StructureCache } from './structure-cache.js';

const HEADER_BYTES = 72;
/** Signature, version, client and the address of the header. */
const BLOCK_HEAD_BYTES = 14;
const CHECKSUM_BYTES = 4;

type Entries = readonly (StoredChunk | undefined)[];

/**
 * The chunk index of a dataset that grows along one dimension, as detectors write it. Its first entries are in the index
 * block, further ones in data blocks, which double in size, and later ones behind super blocks of data blocks. Definition:
 * HDF5 File Format Specification 4.0, VII.E.
 */
export function extensibleArrayIndex(
  file: Hdf5Bytes,
  address: number,
  maxShape: readonly number[],
  chunk: readonly number[],
  chunkBytes: number,
): ChunkIndex {
  if (address === UNDEFINED) return { empty: true, find: () => undefined };
  const header = file.checkedStructure(address, HEADER_BYTES, 'extensible array');
  header.signature('EAHD');
  header.skip(1);
  const format = entryFormat(header.u8(), header.u8(), chunkBytes);
  const maxEntriesBits = header.u8();
  const indexEntries = header.u8();
  const blockMinEntries = header.u8();
  const superMinBlocks = header.u8();
  const pageBits = header.u8();
  header.skip(6 * 8);
  const indexAddress = header.address(ADDRESS_BYTES);
  if (maxEntriesBits > 64 || pageBits > 30 || !isPower(blockMinEntries) || !isPower(superMinBlocks))
    throw damaged('an extensible array with parameters out of range');

  const offsetBytes = Math.ceil(maxEntriesBits / 8);
  const pageEntries = 2 ** pageBits;
  const directSupers = 2 * Math.log2(superMinBlocks);
  const directBlocks = 2 * (superMinBlocks - 1);
  const supers = 1 + maxEntriesBits - Math.log2(blockMinEntries);
  const superAddresses = Math.max(0, supers - directSupers);
  // The dimension without a limit comes first when chunks are counted.
  const growing = Math.max(0, maxShape.indexOf(Number.POSITIVE_INFINITY));
  const inOrder = <T>(sides: readonly T[]): T[] => [sides[growing]!, ...sides.slice(0, growing), ...sides.slice(growing + 1)];
  const grid = inOrder(gridOf(maxShape, chunk));

  const pieces = new StructureCache<Entries>();
  const addressLists = new StructureCache<SuperBlock>();
  let indexBlock: IndexBlock | undefined;

  return {
    empty: indexAddress === UNDEFINED,
    find(place) {
      if (indexAddress === UNDEFINED) return undefined;
      indexBlock ??= readIndexBlock();
      const linear = linearPlace(inOrder(place), grid);
      if (linear < indexEntries) return indexBlock.entries[linear];
      const past = linear - indexEntries;
      const level = Math.floor(Math.log2(Math.floor(past / blockMinEntries) + 1));
      if (level >= supers) throw damaged('a chunk is beyond the end of its index');
      const blockEntries = 2 ** Math.floor((level + 1) / 2) * blockMinEntries;
      // All levels before have blockMinEntries * (2 ** level - 1) entries.
      const within = past - blockMinEntries * (2 ** level - 1);
      const block = Math.floor(within / blockEntries);
      const entry = within - block * blockEntries;
      if (level < directSupers) {
        const before = blocksBefore(level);
        return blockEntry(indexBlock.blocks[before + block], blockEntries, entry);
      }
      const superAddress = indexBlock.supers[level - directSupers];
      if (superAddress === undefined || superAddress === UNDEFINED) return undefined;
      const superBlock = addressLists.get(superAddress, () => readSuperBlock(superAddress, 2 ** Math.floor(level / 2), blockEntries));
      return blockEntry(superBlock.blocks[block], blockEntries, entry, (page) => superBlock.pageIsWritten(block, page));
    },
  };

  function readIndexBlock(): IndexBlock {
    const bytes = file.checkedStructure(
      indexAddress,
      BLOCK_HEAD_BYTES + indexEntries * format.entryBytes + (directBlocks + superAddresses) * ADDRESS_BYTES + CHECKSUM_BYTES,
      'extensible array index',
    );
    bytes.signature('EAIB');
    bytes.skip(BLOCK_HEAD_BYTES - 4);
    return {
      entries: Array.from({ length: indexEntries }, () => readEntry(bytes, format)),
      blocks: addresses(bytes, directBlocks),
      supers: addresses(bytes, superAddresses),
    };
  }

  function readSuperBlock(place: number, blocks: number, blockEntries: number): SuperBlock {
    const bitmapBytes = blockEntries > pageEntries ? Math.ceil(blockEntries / pageEntries / 8) : 0;
    const bytes = file.checkedStructure(
      place,
      BLOCK_HEAD_BYTES + offsetBytes + blocks * (bitmapBytes + ADDRESS_BYTES) + CHECKSUM_BYTES,
      'extensible array super block',
    );
    bytes.signature('EASB');
    bytes.skip(BLOCK_HEAD_BYTES - 4 + offsetBytes);
    const bitmap = bytes.take(blocks * bitmapBytes);
    return {
      blocks: addresses(bytes, blocks),
      // The highest bit of a byte is its first page.
      pageIsWritten: (block, page) => (bitmap[block * bitmapBytes + (page >> 3)]! & (0x80 >> (page & 7))) !== 0,
    };
  }

  function blockEntry(
    place: number | undefined,
    blockEntries: number,
    entry: number,
    pageIsWritten: (page: number) => boolean = () => true,
  ): StoredChunk | undefined {
    if (place === undefined || place === UNDEFINED) return undefined;
    const headBytes = BLOCK_HEAD_BYTES + offsetBytes;
    if (blockEntries <= pageEntries) {
      return pieces.get(place, () => {
        const bytes = file.checkedStructure(place, headBytes + blockEntries * format.entryBytes + CHECKSUM_BYTES, 'extensible array block');
        bytes.signature('EADB');
        bytes.skip(headBytes - 4);
        return Array.from({ length: blockEntries }, () => readEntry(bytes, format));
      })[entry];
    }
    const page = Math.floor(entry / pageEntries);
    if (!pageIsWritten(page)) return undefined;
    const pageBytes = pageEntries * format.entryBytes + CHECKSUM_BYTES;
    const pagePlace = place + headBytes + CHECKSUM_BYTES + page * pageBytes;
    return pieces.get(pagePlace, () => {
      const bytes = file.checkedStructure(pagePlace, pageBytes, 'extensible array page');
      return Array.from({ length: pageEntries }, () => readEntry(bytes, format));
    })[entry - page * pageEntries];
  }
}

interface IndexBlock {
  readonly entries: Entries;
  readonly blocks: readonly number[];
  readonly supers: readonly number[];
}

interface SuperBlock {
  readonly blocks: readonly number[];
  pageIsWritten(block: number, page: number): boolean;
}

/** Data blocks of all levels before. */
function blocksBefore(level: number): number {
  let blocks = 0;
  for (let before = 0; before < level; before++) blocks += 2 ** Math.floor(before / 2);
  return blocks;
}

const isPower = (value: number): boolean => value > 0 && (value & (value - 1)) === 0;
const addresses = (bytes: StructureBytes, count: number): number[] => Array.from({ length: count }, () => bytes.address(ADDRESS_BYTES));
