export const CHUNK_BYTES = 64 * 1024;
const KEPT_CHUNKS = 16;

/** A piece of private memory that small frames are written into back to back. */
export interface Chunk {
  readonly bytes: Buffer;
  used: number;
  /** Segments that point into it. */
  live: number;
}

/** Gives chunks again that were written; an idle socket holds `KEPT_CHUNKS` at most. */
export class ChunkPool {
  readonly #free: Chunk[] = [];

  take(): Chunk {
    const chunk = this.#free.pop();
    if (chunk === undefined) return { bytes: Buffer.allocUnsafeSlow(CHUNK_BYTES), used: 0, live: 0 };
    chunk.used = 0;
    return chunk;
  }

  give(chunk: Chunk): void {
    if (this.#free.length < KEPT_CHUNKS) this.#free.push(chunk);
  }
}
