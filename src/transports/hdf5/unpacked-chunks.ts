/** Most bytes of unpacked chunks that are kept for the frames that follow. */
export const KEPT_BYTES = 2 ** 28;

interface Kept {
  readonly bytes: Uint8Array;
  readonly row: string;
}

/**
 * Keeps unpacked chunks that contain more than the current frame, within a limit. A row is the set of chunks with parts
 * of the same frames: the chunks of the current row always stay, because the next frame needs all of them again.
 */
export class UnpackedChunks {
  readonly #limitBytes: number;
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  constructor(limitBytes = KEPT_BYTES) {
    this.#limitBytes = limitBytes;
  }

  get(place: string): Uint8Array | undefined {
    return this.#kept.get(place)?.bytes;
  }

  keep(place: string, row: string, bytes: Uint8Array): void {
    if (bytes.length > this.#limitBytes && this.#kept.size > 0) this.clear();
    for (const [other, kept] of this.#kept) {
      if (this.#bytes + bytes.length <= this.#limitBytes) break;
      if (kept.row === row) continue;
      this.#kept.delete(other);
      this.#bytes -= kept.bytes.length;
    }
    // One chunk is kept though it is over the bound: unpacking it costs its memory anyway.
    if (this.#bytes + bytes.length > this.#limitBytes && this.#kept.size > 0) return;
    this.#kept.set(place, { bytes, row });
    this.#bytes += bytes.length;
  }

  clear(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }
}
