import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { ByteSource } from '../../codecs/byte-source.js';
import { formatError } from '../../codecs/file-bytes.js';

const WINDOW_BYTES = 1 << 16;

/**
 * Reads a file piece by piece, through a window for small pieces. Synchronous: for the thread of a source, which has
 * nothing else to do meanwhile.
 */
export class FileSource implements ByteSource {
  readonly size: number;
  readonly #window = Buffer.alloc(WINDOW_BYTES);
  #windowAt = 0;
  #windowBytes = 0;
  #large = Buffer.alloc(0);
  #handle: number | undefined;

  constructor(file: string) {
    this.#handle = openSync(file, 'r');
    this.size = fstatSync(this.#handle).size;
  }

  read(offset: number, lengthBytes: number): Uint8Array {
    if (lengthBytes > WINDOW_BYTES / 2) {
      if (this.#large.length < lengthBytes) this.#large = Buffer.alloc(lengthBytes);
      const piece = this.#large.subarray(0, lengthBytes);
      if (this.#fill(piece, offset) < lengthBytes) throw this.#cut();
      return piece;
    }
    if (offset < this.#windowAt || offset + lengthBytes > this.#windowAt + this.#windowBytes) {
      this.#windowAt = offset;
      this.#windowBytes = this.#fill(this.#window, offset);
      if (this.#windowBytes < lengthBytes) throw this.#cut();
    }
    return this.#window.subarray(offset - this.#windowAt, offset - this.#windowAt + lengthBytes);
  }

  close(): void {
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle !== undefined) closeSync(handle);
  }

  #fill(target: Buffer, offset: number): number {
    if (this.#handle === undefined) throw formatError('file', 'the file is closed');
    let filled = 0;
    while (filled < target.length) {
      const count = readSync(this.#handle, target, filled, target.length - filled, offset + filled);
      if (count === 0) break;
      filled += count;
    }
    return filled;
  }

  #cut = () => formatError('file', `the file became shorter than ${this.size} bytes during the read`);
}
