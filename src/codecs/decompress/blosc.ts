import { inflateSync } from 'node:zlib';
import { formatError } from '../file-bytes.js';
import { bitUntranspose } from './bit-transpose.js';
import { decodeBloscLz } from './blosclz.js';
import { byteUnshuffle } from './byte-shuffle.js';
import { decodeLz4Block } from './lz4-block.js';
import { decodeZstd } from './zstd.js';

const HEADER_BYTES = 16;
const SHUFFLED = 1;
const STORED = 2;
const BIT_SHUFFLED = 4;
const NOT_SPLIT = 16;
const MAX_SPLITS = 16;
const MIN_SPLIT_BYTES = 128;
const CODECS = ['blosclz', 'lz4', 'snappy', 'zlib', 'zstd'] as const;

/**
 * Unpacks a Blosc 1 buffer (the HDF5 filter 32001) of exactly `outputBytes` bytes. Definition: README_CHUNK_FORMAT of
 * c-blosc. Throws ERR_FORMAT.
 */
export function decodeBlosc(input: Uint8Array, outputBytes: number): Uint8Array {
  const fail = (what: string) => formatError('blosc', what);
  if (input.length < HEADER_BYTES) throw fail(`${input.length} bytes, but the header alone needs ${HEADER_BYTES}`);
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const [version, , flags, itemBytes] = input as unknown as [number, number, number, number];
  const announced = view.getUint32(4, true);
  const blockBytes = view.getUint32(8, true);
  const packedBytes = view.getUint32(12, true);
  if (version < 1 || version > 2) throw fail(`version ${version} of the format is not supported`);
  if (announced !== outputBytes) throw fail(`${announced} bytes announced, but expected ${outputBytes}`);
  if (packedBytes < HEADER_BYTES || packedBytes > input.length)
    throw fail(`${packedBytes} packed bytes announced, but ${input.length} found`);
  if (flags & STORED) {
    if (packedBytes !== HEADER_BYTES + outputBytes) throw fail('stored data has the wrong length');
    return input.slice(HEADER_BYTES, packedBytes);
  }
  const output = new Uint8Array(outputBytes);
  if (outputBytes === 0) return output;
  if (blockBytes === 0 || itemBytes === 0) throw fail('a block or an item has no bytes');
  const blocks = Math.ceil(outputBytes / blockBytes);
  if (HEADER_BYTES + 4 * blocks > packedBytes) throw fail(`the offsets of ${blocks} blocks are cut off`);
  const codec = CODECS[flags >> 5];
  if (codec === undefined || codec === 'snappy') throw fail(`the inner codec ${codec ?? flags >> 5} is not supported`);

  for (let block = 0; block < blocks; block++) {
    const target = output.subarray(block * blockBytes, Math.min((block + 1) * blockBytes, outputBytes));
    const splits =
      !(flags & NOT_SPLIT) && itemBytes <= MAX_SPLITS && blockBytes / itemBytes >= MIN_SPLIT_BYTES && target.length === blockBytes
        ? itemBytes
        : 1;
    if (target.length % splits !== 0) throw fail(`a block of ${target.length} bytes does not split into ${splits} equal parts`);
    const partBytes = target.length / splits;
    let read = view.getInt32(HEADER_BYTES + 4 * block, true);
    if (read < HEADER_BYTES + 4 * blocks) throw fail(`block ${block} begins at byte ${read}`);
    for (let split = 0; split < splits; split++) {
      if (read + 4 > packedBytes) throw fail(`block ${block} is cut off`);
      const size = view.getInt32(read, true);
      read += 4;
      if (size < 0 || size > packedBytes - read)
        throw fail(`a part of block ${block} has ${size} bytes, but ${packedBytes - read} are left`);
      const part = target.subarray(split * partBytes, (split + 1) * partBytes);
      const packed = input.subarray(read, read + size);
      if (size === partBytes) part.set(packed);
      else decodePart(codec, packed, part);
      read += size;
    }
    if (flags & SHUFFLED && itemBytes > 1) target.set(byteUnshuffle(target, itemBytes));
    else if (flags & BIT_SHUFFLED && target.length >= itemBytes) {
      const items = Math.floor(target.length / itemBytes);
      if (items % 8 === 0) bitUntranspose(target.slice(), target, items, itemBytes);
    }
  }
  return output;
}

function decodePart(codec: 'blosclz' | 'lz4' | 'zlib' | 'zstd', packed: Uint8Array, output: Uint8Array): void {
  if (codec === 'blosclz') decodeBloscLz(packed, output);
  else if (codec === 'lz4') decodeLz4Block(packed, output);
  else output.set(codec === 'zstd' ? decodeZstd(packed, output.length) : inflate(packed, output.length));
}

function inflate(packed: Uint8Array, outputBytes: number): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = inflateSync(packed, { maxOutputLength: outputBytes });
  } catch (error) {
    throw formatError('blosc', 'the zlib data inside is damaged', error);
  }
  if (bytes.length !== outputBytes) throw formatError('blosc', `the data unpack to ${bytes.length} bytes, but expected ${outputBytes}`);
  return bytes;
}
