import { MillraceError } from '../errors/errors.js';

const PAGE_BYTES = 65536;
/** A shared WebAssembly memory has at most 65536 pages. */
export const ARENA_MAX_BYTES = 65536 * PAGE_BYTES;

/**
 * The one shared memory of a pipeline, sized once: its buffer object would change on growth. The operating system
 * commits a page at its first write, so unused room costs only address space.
 */
export function createArena(bytes: number): WebAssembly.Memory {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  if (pages * PAGE_BYTES > ARENA_MAX_BYTES)
    throw new MillraceError('ERR_CONFIG_MEMORY', `an arena of ${bytes} bytes exceeds the limit of ${ARENA_MAX_BYTES}`);
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  } catch (cause) {
    throw new MillraceError('ERR_CONFIG_MEMORY', `the system provides no shared memory of ${bytes} bytes`, { cause });
  }
}

/** Allocates aligned pieces of an address range, in ascending order. */
export class AddressSpace {
  /** Start of the gap after each piece, if there is one. */
  readonly gaps: number[] = [];
  readonly #gapBytes: number;
  #at: number;

  /** `gapBytes`: left free after each piece. */
  constructor(start: number, gapBytes = 0) {
    this.#at = start;
    this.#gapBytes = gapBytes;
  }

  take(bytes: number, alignment = 128): number {
    const at = Math.ceil(this.#at / alignment) * alignment;
    this.#at = at + bytes;
    if (this.#gapBytes > 0 && bytes > 0) {
      this.gaps.push(this.#at);
      this.#at += this.#gapBytes;
    }
    return at;
  }

  get end(): number {
    return this.#at;
  }
}
