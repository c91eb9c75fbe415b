/**
 * A frame of ZMTP 2.0 and 3.x:
 *
 *     short   flags(1) length(1) body
 *     long    flags(1) length(8, big endian) body
 *
 * Bit 0 of the flags says that more frames of the message follow, bit 1 that the length is long, bit 2 (3.x) that it is a command.
 */
export const FLAG_MORE = 1;
export const FLAG_LONG = 2;
export const FLAG_COMMAND = 4;

export const SHORT_HEAD_BYTES = 2;
export const LONG_HEAD_BYTES = 9;
export const SHORT_LIMIT_BYTES = 255;

/** Writes the head of a frame and returns the offset after it. `flags` without FLAG_LONG. */
export function writeHead(bytes: Buffer, offset: number, flags: number, lengthBytes: number): number {
  if (lengthBytes <= SHORT_LIMIT_BYTES) {
    bytes[offset] = flags;
    bytes[offset + 1] = lengthBytes;
    return offset + SHORT_HEAD_BYTES;
  }
  bytes[offset] = flags | FLAG_LONG;
  bytes.writeUInt32BE(Math.floor(lengthBytes / 2 ** 32), offset + 1);
  bytes.writeUInt32BE(lengthBytes >>> 0, offset + 5);
  return offset + LONG_HEAD_BYTES;
}

/** One whole frame in memory of its own. */
export function frame(flags: number, body: Uint8Array): Buffer {
  const head = Buffer.alloc(LONG_HEAD_BYTES);
  return Buffer.concat([head.subarray(0, writeHead(head, 0, flags, body.length)), body]);
}
