/** Bytes that are read piece by piece: a file, or a message in memory. */
export interface ByteSource {
  /** In bytes. */
  readonly size: number;
  /**
   * Exactly these bytes, valid until the next call. The caller has checked that they are within `size`. Throws
   * ERR_FORMAT when the file became shorter.
   */
  read(offset: number, lengthBytes: number): Uint8Array;
}

export const memorySource = (bytes: Uint8Array): ByteSource => ({
  size: bytes.length,
  read: (offset, lengthBytes) => bytes.subarray(offset, offset + lengthBytes),
});
