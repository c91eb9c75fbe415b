import { formatError } from '../file-bytes.js';
import { bitUntranspose } from './bit-transpose.js';
import { decodeLz4Block } from './lz4-block.js';
import { decodeZstd } from './zstd.js';

export type BitshuffleInner = 'none' | 'lz4' | 'zstd';

const HEADER_BYTES = 12;
const DEFAULT_BLOCK_BYTES = 8192;
const MIN_BLOCK_ITEMS = 128;

/** Items per block when the writer gave no number. */
function defaultBlockItems(itemBytes: number): number {
  return Math.max(MIN_BLOCK_ITEMS, Math.floor(DEFAULT_BLOCK_BYTES / itemBytes / 8) * 8);
}

/**
 * Reverses the HDF5 filter bitshuffle (32008). With LZ4 or zstd inside: total bytes (u64BE), bytes per block (u32BE),
 * then each block after its size (u32BE); otherwise only the blocks, of `blockItems` items. The last items, fewer than
 * 8, follow unchanged. Throws ERR_FORMAT.
 */
export function decodeBitshuffle(
  input: Uint8Array,
  outputBytes: number,
  itemBytes: number,
  inner: BitshuffleInner,
  blockItems = 0,
): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  let read = 0;
  let blockBytes = (blockItems || defaultBlockItems(itemBytes)) * itemBytes;
  if (inner !== 'none') {
    if (input.length < HEADER_BYTES) throw formatError('bitshuffle', `${input.length} bytes, but the header alone needs ${HEADER_BYTES}`);
    const announced = view.getBigUint64(0);
    if (announced !== BigInt(outputBytes)) throw formatError('bitshuffle', `${announced} bytes announced, but expected ${outputBytes}`);
    blockBytes = view.getUint32(8) || blockBytes;
    read = HEADER_BYTES;
  }
  if (itemBytes < 1 || blockBytes % (8 * itemBytes) !== 0 || blockBytes === 0)
    throw formatError('bitshuffle', `a block of ${blockBytes} bytes is not a multiple of 8 items of ${itemBytes} bytes`);

  const output = new Uint8Array(outputBytes);
  const whole = Math.floor(outputBytes / (8 * itemBytes)) * 8 * itemBytes;
  const unpacked = inner === 'none' ? undefined : new Uint8Array(Math.min(blockBytes, whole));
  for (let written = 0; written < whole; ) {
    const size = Math.min(blockBytes, whole - written);
    const target = output.subarray(written, written + size);
    if (unpacked === undefined) {
      bitUntranspose(take(size), target, size / itemBytes, itemBytes);
    } else {
      const sizeAt = read;
      take(4);
      const packed = take(view.getUint32(sizeAt));
      let bits: Uint8Array = unpacked.subarray(0, size);
      if (inner === 'lz4') decodeLz4Block(packed, bits);
      else bits = decodeZstd(packed, size);
      bitUntranspose(bits, target, size / itemBytes, itemBytes);
    }
    written += size;
  }
  output.set(take(outputBytes - whole), whole);
  if (read !== input.length) throw formatError('bitshuffle', `${input.length - read} bytes follow the last block`);
  return output;

  function take(length: number): Uint8Array {
    if (length > input.length - read)
      throw formatError('bitshuffle', `${length} bytes needed at byte ${read}, but ${input.length - read} are left`);
    read += length;
    return input.subarray(read - length, read);
  }
}
