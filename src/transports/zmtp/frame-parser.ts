import { MillraceError } from '../../errors/errors.js';
import { broken } from './command.js';
import { FLAG_COMMAND, FLAG_LONG, FLAG_MORE, LONG_HEAD_BYTES, SHORT_HEAD_BYTES } from './frame-layout.js';

/** The receiver of the frames that the parser finds. Any method may throw; the connection is then lost. */
export interface FrameSink {
  /**
   * Called once per frame, before any allocation. False: the body is skipped, and no other method is called for the
   * frame. Throws when the frame exceeds a limit that ends the connection.
   */
  head(flags: number, lengthBytes: number): boolean;
  /** A body that is completely in the read buffer: valid only during the call. False: ask `memory` for it instead. */
  whole(flags: number, bytes: Buffer, start: number, end: number): boolean;
  /** Memory of exactly that length, or undefined to be asked again later. */
  memory(flags: number, lengthBytes: number): Buffer | undefined;
  filled(flags: number, memory: Buffer): void;
}

/**
 * Finds frames in a stream that arrives in pieces. It holds only a head of nine bytes and the memory of one body; a
 * body that is not completely in the current piece is copied to memory of the sink, and `target` lets the kernel read
 * the rest into it.
 */
export class FrameParser {
  readonly #head = Buffer.alloc(LONG_HEAD_BYTES);
  #headLength = 0;
  #flags = 0;
  /** -1 while the head is not complete. */
  #bodyLength = -1;
  #target: Buffer | undefined;
  #filled = 0;
  /** The body under way is read past: `#bodyLength` bytes of it are still to come. */
  #isRefused = false;

  /** @param knownFlags the bits that this version of the protocol defines */
  constructor(
    private readonly sink: FrameSink,
    private readonly knownFlags: number,
  ) {}

  /** Bytes of the body under way that are still to come, 0 between bodies. */
  get missingBytes(): number {
    return this.#target === undefined ? 0 : this.#target.length - this.#filled;
  }

  /** The rest of the body under way, for the kernel to read into. */
  target(): Buffer | undefined {
    return this.#target?.subarray(this.#filled);
  }

  /** `countBytes` were read into `target()`. */
  advance(countBytes: number): void {
    this.#filled += countBytes;
    if (this.#target !== undefined && this.#filled >= this.#target.length) this.#finish();
  }

  /** @returns the offset of the first byte that was not taken; less than `end` when the sink had no memory */
  push(bytes: Buffer, start: number, end: number): number {
    let offset = start;
    for (;;) {
      if (this.#target !== undefined) {
        const count = Math.min(end - offset, this.#target.length - this.#filled);
        bytes.copy(this.#target, this.#filled, offset, offset + count);
        offset += count;
        this.advance(count);
        if (this.#target !== undefined) return offset;
      }
      if (this.#bodyLength < 0) {
        offset = this.#readHead(bytes, offset, end);
        if (this.#bodyLength < 0) return offset;
      }
      const length = this.#bodyLength;
      if (this.#isRefused) {
        const count = Math.min(end - offset, length);
        offset += count;
        this.#bodyLength = length - count;
        if (this.#bodyLength > 0) return offset;
        this.#isRefused = false;
        this.#bodyLength = -1;
        continue;
      }
      if (end - offset >= length && this.sink.whole(this.#flags, bytes, offset, offset + length)) {
        offset += length;
        this.#bodyLength = -1;
        continue;
      }
      const memory = this.sink.memory(this.#flags, length);
      if (memory === undefined) return offset;
      if (memory.length !== length) throw new MillraceError('ERR_USAGE', `${memory.length} bytes of memory for a frame of ${length}`);
      this.#target = memory;
      this.#filled = 0;
      if (length === 0) this.#finish();
    }
  }

  #finish(): void {
    const memory = this.#target!;
    this.#target = undefined;
    this.#bodyLength = -1;
    this.sink.filled(this.#flags, memory);
  }

  /** Reads from the piece where it can, through the nine bytes where the head is split. */
  #readHead(bytes: Buffer, start: number, end: number): number {
    if (this.#headLength === 0 && end - start >= SHORT_HEAD_BYTES) {
      const flags = bytes[start]!;
      if ((flags & FLAG_LONG) === 0) {
        this.#begin(flags, bytes[start + 1]!);
        return start + SHORT_HEAD_BYTES;
      }
      if (end - start >= LONG_HEAD_BYTES) {
        this.#begin(flags, readLength(bytes, start + 1));
        return start + LONG_HEAD_BYTES;
      }
    }
    let offset = start;
    while (offset < end) {
      this.#head[this.#headLength] = bytes[offset]!;
      this.#headLength += 1;
      offset += 1;
      const long = (this.#head[0]! & FLAG_LONG) !== 0;
      if (this.#headLength === (long ? LONG_HEAD_BYTES : SHORT_HEAD_BYTES)) {
        this.#headLength = 0;
        this.#begin(this.#head[0]!, long ? readLength(this.#head, 1) : this.#head[1]!);
        return offset;
      }
    }
    return offset;
  }

  #begin(flags: number, lengthBytes: number): void {
    if ((flags & ~this.knownFlags) !== 0) throw broken(`a frame with flags ${flags}`);
    if ((flags & FLAG_COMMAND) !== 0 && (flags & FLAG_MORE) !== 0) throw broken('a command in several frames');
    this.#flags = flags & ~FLAG_LONG;
    this.#isRefused = !this.sink.head(this.#flags, lengthBytes);
    this.#bodyLength = lengthBytes;
  }
}

// Without the checks of readUInt32BE: eight bytes are there, and this runs once a frame.
function readLength(bytes: Buffer, offset: number): number {
  const high = readWord(bytes, offset);
  if (high >= 2 ** 31) throw broken('a frame of 2^63 bytes or more');
  if (high >= 2 ** 21) throw new MillraceError('ERR_PEER_LIMIT', 'the peer announced a frame of 2^53 bytes or more');
  return high * 2 ** 32 + readWord(bytes, offset + 4);
}

function readWord(bytes: Buffer, offset: number): number {
  return ((bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!) >>> 0;
}
