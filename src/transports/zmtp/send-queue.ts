import { CHUNK_BYTES, type Chunk, type ChunkPool } from './chunk-pool.js';
import { Deque } from './deque.js';
import { FLAG_MORE, LONG_HEAD_BYTES, writeHead } from './frame-layout.js';
import type { MessageFate } from './message-fates.js';

/** Bodies from here on are written from where they lie; smaller ones are copied, which costs less than an entry of a writev. */
export const REFERENCE_BYTES = 16 * 1024;

/** A stretch of bytes to write: of a chunk, or the body of a frame where the caller keeps it. */
export interface Segment {
  readonly memory: Buffer;
  readonly chunk: Chunk | undefined;
  readonly start: number;
  end: number;
  /** Messages whose last byte is in it. */
  messages: number;
  /** True when its last byte ends a message: a batch may stop here. */
  complete: boolean;
  /** Called once when `memory` will not be read any more. */
  release: (() => void) | undefined;
}

/**
 * The framed messages that one peer is still owed. Messages count until the socket has taken them, so the high-water
 * mark covers messages in transit. A batch always ends with a message: after a lost connection the rest starts at a
 * frame head.
 */
export class SendQueue {
  #segments: Segment[] = [];
  #tail: Chunk | undefined;
  messages = 0;
  bytes = 0;

  /** Tags of the messages that were given one, the oldest first: they are settled in this order. */
  readonly #tags = new Deque<number>();

  /** @param onFates called with `count` messages, and with the tag of each that has one */
  constructor(
    private readonly pool: ChunkPool,
    private readonly onFates: (fate: MessageFate, count: number, tags: Deque<number>) => void = () => {},
  ) {}

  get empty(): boolean {
    return this.#segments.length === 0;
  }

  /**
   * @param release called once when the transport reads none of the parts any more
   * @param tag names the message when it is settled: all of a queue have one, or none
   * @returns false when everything was copied and `release` was not kept
   */
  append(parts: readonly Uint8Array[], release: (() => void) | undefined, tag?: number): boolean {
    if (tag !== undefined) this.#tags.push(tag);
    let referenced = false;
    for (let index = 0; index < parts.length; index++) {
      const part = parts[index]!;
      const length = part.byteLength;
      this.#writeHead(index < parts.length - 1 ? FLAG_MORE : 0, length);
      this.bytes += length;
      if (length < REFERENCE_BYTES) this.#copy(part, length);
      else {
        referenced = true;
        const memory = Buffer.from(part.buffer, part.byteOffset, length);
        this.#segments.push({ memory, chunk: undefined, start: 0, end: length, messages: 0, complete: false, release: undefined });
      }
    }
    const last = this.#segments[this.#segments.length - 1]!;
    this.#endMessage(last);
    if (!referenced || release === undefined) return false;
    // Segments complete in order, so the last one of the message speaks for all; several messages may end in one chunk segment.
    const earlier = last.release;
    last.release = earlier === undefined ? release : both(earlier, release);
    return true;
  }

  /** A small message that was framed once for many peers. */
  appendFramed(framed: Buffer, lengthBytes: number): void {
    const segment = this.#room(lengthBytes);
    framed.copy(segment.memory, segment.end, 0, lengthBytes);
    this.#grow(segment, lengthBytes);
    this.bytes += lengthBytes;
    this.#endMessage(segment);
  }

  /** The segments to write next, up to about `limitBytes`. They count against the queue until `settle`. */
  takeBatch(limitBytes: number): Segment[] {
    const segments = this.#segments;
    let count = 0;
    let bytes = 0;
    while (count < segments.length) {
      const segment = segments[count]!;
      bytes += segment.end - segment.start;
      count += 1;
      if (bytes >= limitBytes && segment.complete) break;
    }
    if (count === segments.length) {
      this.#segments = [];
      return segments;
    }
    return segments.splice(0, count);
  }

  /** The batch was written, or never will be: its memory goes back. Returns how many messages it held. */
  settle(batch: readonly Segment[], fate: MessageFate): number {
    let messages = 0;
    for (const segment of batch) {
      messages += segment.messages;
      this.bytes -= segment.end - segment.start;
      const chunk = segment.chunk;
      if (chunk !== undefined) {
        chunk.live -= 1;
        if (chunk.live === 0) {
          if (chunk !== this.#tail) this.pool.give(chunk);
          else if (this.#segments.length === 0) {
            // An idle peer holds no chunk.
            this.#tail = undefined;
            this.pool.give(chunk);
          } else chunk.used = 0;
        }
      }
    }
    this.messages -= messages;
    for (const segment of batch) segment.release?.();
    if (messages > 0) this.onFates(fate, messages, this.#tags);
    return messages;
  }

  /** Gives everything up that was not taken. */
  clear(fate: MessageFate): number {
    return this.settle(this.takeBatch(Number.POSITIVE_INFINITY), fate);
  }

  #endMessage(segment: Segment): void {
    segment.messages += 1;
    segment.complete = true;
    this.messages += 1;
  }

  #writeHead(flags: number, lengthBytes: number): void {
    const segment = this.#room(LONG_HEAD_BYTES);
    const after = writeHead(segment.memory, segment.end, flags, lengthBytes);
    this.bytes += after - segment.end;
    this.#grow(segment, after - segment.end);
    segment.complete = false;
  }

  #copy(part: Uint8Array, lengthBytes: number): void {
    const segment = this.#room(lengthBytes);
    segment.memory.set(part, segment.end);
    this.#grow(segment, lengthBytes);
    segment.complete = false;
  }

  #grow(segment: Segment, countBytes: number): void {
    segment.end += countBytes;
    segment.chunk!.used = segment.end;
  }

  /** A segment at the end of the queue with this much room after it. */
  #room(countBytes: number): Segment {
    const segments = this.#segments;
    const last = segments.length === 0 ? undefined : segments[segments.length - 1]!;
    let chunk = this.#tail;
    if (chunk !== undefined && CHUNK_BYTES - chunk.used >= countBytes) {
      if (last !== undefined && last.chunk === chunk) return last;
    } else {
      if (chunk !== undefined && chunk.live === 0) this.pool.give(chunk);
      chunk = this.pool.take();
      this.#tail = chunk;
    }
    chunk.live += 1;
    const start = chunk.used;
    const segment: Segment = { memory: chunk.bytes, chunk, start, end: start, messages: 0, complete: false, release: undefined };
    segments.push(segment);
    return segment;
  }
}

function both(first: () => void, second: () => void): () => void {
  return () => {
    first();
    second();
  };
}
