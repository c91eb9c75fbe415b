import type { FrameMemory } from './frame-memory.js';

/** Keeps account of the caller's memory from `take` until it is delivered in a message or given up. */
export class LentFrames implements FrameMemory {
  readonly #lent = new Set<Buffer>();
  readonly thresholdBytes: number;

  constructor(private readonly inner: FrameMemory) {
    this.thresholdBytes = inner.thresholdBytes;
  }

  take(lengthBytes: number, partIndex: number): Buffer | undefined | null {
    const memory = this.inner.take(lengthBytes, partIndex);
    if (memory) this.#lent.add(memory);
    return memory;
  }

  filled(memory: Buffer): void {
    this.inner.filled?.(memory);
  }

  abandoned(memory: Buffer): void {
    if (this.#lent.delete(memory)) this.inner.abandoned(memory);
  }

  deliver(parts: readonly Buffer[]): void {
    if (this.#lent.size === 0) return;
    for (const part of parts) this.#lent.delete(part);
  }

  drop(parts: readonly Buffer[]): void {
    if (this.#lent.size === 0) return;
    for (const part of parts) this.abandoned(part);
  }
}
