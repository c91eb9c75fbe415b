import { damaged } from './damaged.js';
import type { Hdf5Bytes } from './file-bytes.js';
import { lookup3 } from './lookup3.js';

export const HDF5_SIGNATURE: readonly number[] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
/** A user block before the superblock has 512 bytes, or twice as many, and so on. */
const FIRST_USER_BLOCK_BYTES = 512;
const MAX_USER_BLOCK_BYTES = 2 ** 30;
/** Long enough for every version with 8-byte addresses. */
const SUPERBLOCK_BYTES = 96;
const OPEN_FOR_WRITING = 1;
const OPEN_FOR_SWMR = 4;

export interface Superblock {
  /** Where it is in the file, and what the addresses in the file are relative to. */
  readonly baseAddress: number;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  /** A writer has the file open now, or did not close it. */
  readonly openForWriting: boolean;
  readonly openForSwmr: boolean;
  /** The file is shorter than its superblock says. */
  readonly cutOff: boolean;
  /**
   * The first bytes of the superblock as for a closed file: no flags, and the actual end of the file. Undefined if they
   * already are.
   */
  readonly closedBytes: Uint8Array | undefined;
}

export const beginsAsHdf5 = (bytes: Uint8Array): boolean => HDF5_SIGNATURE.every((byte, index) => bytes[index] === byte);

/** Finds and reads the superblock. Throws ERR_FORMAT for a file that is not HDF5. */
export function readSuperblock(file: Hdf5Bytes): Superblock {
  const { size } = file;
  let place = 0;
  for (;;) {
    if (place + HDF5_SIGNATURE.length <= size && beginsAsHdf5(file.read(place, HDF5_SIGNATURE.length))) break;
    place = place === 0 ? FIRST_USER_BLOCK_BYTES : place * 2;
    if (place >= size || place > MAX_USER_BLOCK_BYTES) {
      throw damaged(size === 0 ? 'the file is empty' : 'the file is not an HDF5 file (it does not begin with the HDF5 signature)');
    }
  }
  const bytes = file.read(place, Math.min(SUPERBLOCK_BYTES, size - place));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes[8] ?? -1;
  if (version < 0 || version > 3)
    throw damaged(`version ${version} of the superblock is not known; the file is newer than this reader or damaged`);
  const old = version < 2;
  const offsetBytes = bytes[old ? 13 : 9] ?? 0;
  const lengthBytes = bytes[old ? 14 : 10] ?? 0;
  const endAt = old ? 24 + (version === 1 ? 4 : 0) + 16 : 28;
  const checksumAt = 44;
  if (offsetBytes !== 8 || lengthBytes !== 8)
    throw damaged(`addresses of ${offsetBytes} bytes and lengths of ${lengthBytes} bytes are not read`);
  if (bytes.length < (old ? endAt + 8 : checksumAt + 4)) throw damaged('the file ends within its superblock');
  const flags = version === 3 ? bytes[11]! : 0;
  const end = view.getBigUint64(endAt, true);
  const openForWriting = (flags & OPEN_FOR_WRITING) !== 0;
  const openForSwmr = (flags & OPEN_FOR_SWMR) !== 0;
  const cutOff = end > BigInt(size);

  let closedBytes: Uint8Array | undefined;
  if (openForWriting || openForSwmr || cutOff) {
    closedBytes = bytes.slice(0, old ? endAt + 8 : checksumAt + 4);
    const closed = new DataView(closedBytes.buffer);
    if (version === 3) closedBytes[11] = flags & ~(OPEN_FOR_WRITING | OPEN_FOR_SWMR);
    closed.setBigUint64(endAt, BigInt(size), true);
    if (!old) closed.setUint32(checksumAt, lookup3(closedBytes.subarray(0, checksumAt)), true);
  }
  return { baseAddress: place, offsetBytes, lengthBytes, openForWriting, openForSwmr, cutOff, closedBytes };
}
