import { inflateSync } from 'node:zlib';
import { type BitshuffleInner, decodeBitshuffle } from '../../codecs/decompress/bitshuffle.js';
import { decodeBlosc } from '../../codecs/decompress/blosc.js';
import { byteUnshuffle } from '../../codecs/decompress/byte-shuffle.js';
import { decodeBzip2 } from '../../codecs/decompress/bzip2.js';
import { checkFletcher32 } from '../../codecs/decompress/fletcher32.js';
import { decodeHdf5Lz4 } from '../../codecs/decompress/hdf5-lz4.js';
import { decodeLzf } from '../../codecs/decompress/lzf.js';
import { decodeZstd } from '../../codecs/decompress/zstd.js';
import { damaged } from './damaged.js';
import { StructureBytes } from './structure-bytes.js';

export interface Filter {
  readonly id: number;
  readonly name: string;
  readonly values: readonly number[];
}

const MAX_FILTERS = 32;
const CHECKSUM_BYTES = 4;

const DEFLATE = 1;
const SHUFFLE = 2;
const FLETCHER32 = 3;
const BZIP2 = 307;
const LZF = 32000;
const BLOSC = 32001;
const LZ4 = 32004;
const BITSHUFFLE = 32008;
const ZSTD = 32015;

/** Filters that are undone here. */
const OWN: ReadonlySet<number> = new Set([DEFLATE, SHUFFLE, FLETCHER32, BZIP2, LZF, BLOSC, LZ4, BITSHUFFLE, ZSTD]);
/** Filters that the HDF5 library undoes: szip, nbit, scaleoffset, beside deflate, shuffle and fletcher32. */
const LIBRARY: ReadonlySet<number> = new Set([DEFLATE, SHUFFLE, FLETCHER32, 4, 5, 6]);
/** Names of the registered filters that a detector's file may have, for those that a file does not name. */
const NAMES: Record<number, string> = {
  1: 'deflate (gzip)',
  2: 'shuffle',
  3: 'fletcher32',
  4: 'szip',
  5: 'nbit',
  6: 'scaleoffset',
  307: 'bzip2',
  32000: 'lzf',
  32001: 'blosc',
  32004: 'lz4',
  32008: 'bitshuffle',
  32013: 'zfp',
  32015: 'zstd',
  32017: 'sz',
  32018: 'fcidecomp',
  32019: 'jpeg',
  32024: 'sz3',
  32026: 'blosc2',
};

/** The filters of a filter pipeline message, in the order in which the writer applied them. */
export function readFilters(message: Uint8Array): Filter[] {
  const bytes = new StructureBytes(message, 'filter pipeline');
  const version = bytes.u8();
  const count = bytes.u8();
  if ((version !== 1 && version !== 2) || count > MAX_FILTERS)
    throw damaged(`a filter pipeline of version ${version} with ${count} filters`);
  if (version === 1) bytes.skip(6);
  const filters: Filter[] = [];
  for (let index = 0; index < count; index++) {
    const id = bytes.u16();
    const nameBytes = version === 1 || id >= 256 ? bytes.u16() : 0;
    bytes.skip(2);
    const valueCount = bytes.u16();
    const name = Buffer.from(bytes.take(nameBytes)).toString('utf8').replace(/\0.*$/s, '');
    const values = Array.from({ length: valueCount }, () => bytes.u32());
    if (version === 1 && valueCount % 2 === 1) bytes.skip(4);
    filters.push({ id, name, values });
  }
  return filters;
}

export const undoneHere = (filters: readonly Filter[]): boolean => filters.every(({ id }) => OWN.has(id));

/** Throws ERR_FORMAT, by name and id, for a filter that neither this reader nor the HDF5 library undoes. */
export function refuseUnknownFilters(filters: readonly Filter[]): void {
  if (!undoneHere(filters)) refuseFiltersBut(LIBRARY, filters);
}

/** The same where only the HDF5 library can read the dataset. */
export function refuseUnlessLibrary(filters: readonly Pick<Filter, 'id' | 'name'>[]): void {
  refuseFiltersBut(LIBRARY, filters);
}

function refuseFiltersBut(known: ReadonlySet<number>, filters: readonly Pick<Filter, 'id' | 'name'>[]): void {
  const unknown = filters.filter(({ id }) => !known.has(id));
  const other = unknown.find(({ id }) => !OWN.has(id)) ?? unknown[0];
  if (!other) return;
  const { id, name } = other;
  // The writer may have used a whole sentence as the name.
  const label = NAMES[id] ?? (name.slice(0, 60).split(';')[0] || 'without a name');
  const together = OWN.has(id) ? ' for pixels of this type or together with another filter' : '';
  throw damaged(
    `the pixels are compressed with the filter ${label} (id ${id}), which is not supported${together}. Write them again with a supported filter: ` +
      'gzip, lzf, lz4, bitshuffle (lz4, zstd), zstd, blosc, bzip2, szip, nbit, scaleoffset',
  );
}

/** Undoes the filters of one chunk, last first, except those in `skipped` (a bit each). Throws ERR_FORMAT unless exactly `chunkBytes` come out. */
export function undoFilters(filters: readonly Filter[], stored: Uint8Array, chunkBytes: number, skipped: number): Uint8Array {
  let bytes = stored;
  for (let index = filters.length - 1; index >= 0; index--) {
    if (skipped & (1 << index)) continue;
    // Only a checksum makes the data of an earlier filter longer than the chunk.
    let before = chunkBytes;
    for (let earlier = 0; earlier < index; earlier++)
      if (filters[earlier]!.id === FLETCHER32 && !(skipped & (1 << earlier))) before += CHECKSUM_BYTES;
    bytes = undo(filters[index]!, bytes, before);
  }
  if (bytes.length !== chunkBytes) throw damaged(`${bytes.length} bytes come out, ${chunkBytes} are expected`);
  return bytes;
}

function undo({ id, values }: Filter, bytes: Uint8Array, outputBytes: number): Uint8Array {
  switch (id) {
    case DEFLATE:
      return inflate(bytes, outputBytes);
    case SHUFFLE:
      return (values[0] ?? 1) > 1 ? byteUnshuffle(bytes, values[0]!) : bytes;
    case FLETCHER32:
      return checkFletcher32(bytes);
    case BZIP2:
      return decodeBzip2(bytes, outputBytes);
    case LZF:
      return decodeLzf(bytes, outputBytes);
    case BLOSC:
      return decodeBlosc(bytes, outputBytes);
    case LZ4:
      return decodeHdf5Lz4(bytes, outputBytes);
    case BITSHUFFLE:
      return decodeBitshuffle(bytes, outputBytes, values[2] ?? 0, bitshuffleInner(values[4] ?? 0), values[3] ?? 0);
    case ZSTD:
      return decodeZstd(bytes, outputBytes);
    default:
      throw damaged(`the filter ${id} is not supported`);
  }
}

function inflate(bytes: Uint8Array, outputBytes: number): Uint8Array {
  try {
    return inflateSync(bytes, { maxOutputLength: outputBytes });
  } catch (error) {
    throw damaged('the gzip data of a chunk is damaged', error);
  }
}

function bitshuffleInner(code: number): BitshuffleInner {
  if (code === 0) return 'none';
  if (code === 2) return 'lz4';
  if (code === 3) return 'zstd';
  throw damaged(`bitshuffle with the compression ${code} is not supported`);
}
