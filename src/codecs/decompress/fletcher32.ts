import { formatError } from '../file-bytes.js';

/** Removes and checks the trailing checksum of the HDF5 filter fletcher32 (3). Throws ERR_FORMAT. */
export function checkFletcher32(input: Uint8Array): Uint8Array {
  if (input.length < 4) throw formatError('fletcher32', 'the checksum is cut off');
  const data = input.subarray(0, -4);
  const stored = new DataView(input.buffer, input.byteOffset + data.length, 4).getUint32(0, true);
  const sum = fletcher32(data);
  // Old versions of HDF5 on little-endian machines swapped the bytes of each half.
  const turned = (((sum & 0x00ff00ff) << 8) | ((sum >>> 8) & 0x00ff00ff)) >>> 0;
  if (stored !== sum && stored !== turned) throw formatError('fletcher32', 'the checksum does not match the data');
  return data;
}

/** Two sums over 16-bit big-endian words modulo 65535, reduced often enough to stay exact. */
export function fletcher32(data: Uint8Array): number {
  let first = 0;
  let second = 0;
  for (let at = 0; at < data.length; ) {
    // 360 words keep the second sum within 32 bits.
    const end = Math.min(at + 720, data.length);
    for (; at < end; at += 2) {
      first += (data[at]! << 8) | (data[at + 1] ?? 0);
      second += first;
    }
    first = (first & 0xffff) + Math.floor(first / 65536);
    second = (second & 0xffff) + Math.floor(second / 65536);
  }
  first = (first & 0xffff) + (first >>> 16);
  second = (second & 0xffff) + (second >>> 16);
  return ((second << 16) | first) >>> 0;
}
