import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { damaged } from './damaged.js';
import { lookup3 } from './lookup3.js';
import { StructureBytes } from './structure-bytes.js';

/** Maximum size of the structures that this reader knows; larger announcements of a hostile file are refused. */
const MAX_STRUCTURE_BYTES = 2 ** 28;
/** How often to reread a structure whose checksum does not match: a writer may be changing it. */
const READ_ATTEMPTS = 4;

/** The bytes of one HDF5 file, by address: relative to the base address, which follows a user block. */
export class Hdf5Bytes {
  readonly path: string;
  #fd: number | undefined;
  #knownSize = 0;
  baseAddress = 0;

  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, 'r');
  }

  /** The current size of the file. */
  get size(): number {
    this.#knownSize = fstatSync(this.#open()).size;
    return this.#knownSize;
  }

  /** Throws ERR_FORMAT where the file ends before. */
  read(address: number, lengthBytes: number): Uint8Array {
    const place = address + this.baseAddress;
    if (address < 0 || lengthBytes < 0 || !Number.isSafeInteger(place + lengthBytes)) throw damaged('an address is out of range');
    // Before the memory is reserved: a damaged length can be anything.
    const needed = place + lengthBytes;
    const end = needed > this.#knownSize ? this.size : needed;
    if (needed > end)
      throw damaged(
        `the file ends at byte ${end}, ${lengthBytes} bytes from ${place} on are needed (the file is cut off, or still being written)`,
      );
    const bytes = Buffer.allocUnsafeSlow(lengthBytes);
    for (let done = 0; done < lengthBytes; ) {
      const count = readSync(this.#open(), bytes, done, Math.min(lengthBytes - done, 2 ** 30), place + done);
      if (count === 0) throw damaged(`the file ends at byte ${place + done}`);
      done += count;
    }
    return bytes;
  }

  /** A structure of the format. */
  structure(address: number, lengthBytes: number, what: string): StructureBytes {
    if (lengthBytes > MAX_STRUCTURE_BYTES) throw damaged(`${what}: ${lengthBytes} bytes are announced`);
    return new StructureBytes(this.read(address, lengthBytes), what);
  }

  /** A structure whose last 4 bytes are the checksum of the others. */
  checkedStructure(address: number, lengthBytes: number, what: string): StructureBytes {
    for (let attempt = 1; ; attempt++) {
      const structure = this.structure(address, lengthBytes, what);
      const { bytes } = structure;
      if (bytes.length >= 4) {
        const stored = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 4, 4).getUint32(0, true);
        if (stored === lookup3(bytes.subarray(0, -4))) return structure;
      }
      if (attempt === READ_ATTEMPTS) throw damaged(`${what} at byte ${address}: the checksum does not fit`);
    }
  }

  close(): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
  }

  #open(): number {
    if (this.#fd === undefined) throw damaged('the file is closed');
    return this.#fd;
  }
}
