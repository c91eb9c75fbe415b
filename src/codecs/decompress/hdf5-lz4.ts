import { formatError } from '../file-bytes.js';
import { decodeLz4Block } from './lz4-block.js';

const HEADER_BYTES = 12;

/**
 * Unpacks the HDF5 filter LZ4 (32004): total bytes (u64BE), bytes per block (u32BE), then each block after its size
 * (u32BE). A block whose packed size is not smaller is stored uncompressed. Throws ERR_FORMAT.
 */
export function decodeHdf5Lz4(input: Uint8Array, outputBytes: number): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  if (input.length < HEADER_BYTES) throw formatError('lz4', `${input.length} bytes, but the header alone needs ${HEADER_BYTES}`);
  const announced = view.getBigUint64(0);
  if (announced !== BigInt(outputBytes)) throw formatError('lz4', `${announced} bytes announced, but expected ${outputBytes}`);
  const blockBytes = Math.min(view.getUint32(8), outputBytes);
  if (blockBytes === 0 && outputBytes > 0) throw formatError('lz4', 'a block size of 0');

  const output = new Uint8Array(outputBytes);
  let read = HEADER_BYTES;
  for (let written = 0; written < outputBytes; written += blockBytes) {
    const target = output.subarray(written, Math.min(written + blockBytes, outputBytes));
    if (read + 4 > input.length) throw formatError('lz4', `the block at byte ${written} is missing`);
    const size = view.getUint32(read);
    read += 4;
    if (size > input.length - read) throw formatError('lz4', `a block of ${size} bytes, but ${input.length - read} are left`);
    const block = input.subarray(read, read + size);
    if (size === target.length) target.set(block);
    else decodeLz4Block(block, target);
    read += size;
  }
  if (read !== input.length) throw formatError('lz4', `${input.length - read} bytes follow the last block`);
  return output;
}
