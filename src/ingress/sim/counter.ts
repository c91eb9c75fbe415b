import { fnv1a32 } from '../../codecs/fnv1a.js';
import type { Simulation } from './options.js';
import type { Pattern } from './pattern.js';

/** Bytes of the leading frame number and the trailing checksum. */
export const NUMBER_BYTES = 8;
export const CHECKSUM_BYTES = 4;

/**
 * Self-verifying frames: `[number: u64][pattern of the seed and the number][FNV-1a of all before: u32]`, little-endian.
 * A frame has at least 16 bytes.
 */
export class CounterPattern implements Pattern {
  readonly #seed: number;

  constructor({ seed }: Simulation) {
    this.#seed = seed;
  }

  fill(number: number, bytes: Uint8Array): void {
    const end = bytes.length - CHECKSUM_BYTES;
    putUint32(bytes, 0, number | 0);
    putUint32(bytes, 4, Math.floor(number / 4294967296));
    // Linear congruential (Numerical Recipes, 2nd ed., ranqd1): only the upper bits are good, and only those are used.
    let state = Math.imul(this.#seed ^ number, 0x9e3779b1);
    for (let index = NUMBER_BYTES; index < end; index++) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      bytes[index] = state >>> 24;
    }
    putUint32(bytes, end, fnv1a32(bytes, 0, end));
  }
}

function putUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >>> 8;
  bytes[offset + 2] = value >>> 16;
  bytes[offset + 3] = value >>> 24;
}

export type CounterVerdict = { readonly number: number; readonly intact: boolean };

/** Reads a counter frame: its number, and whether its checksum is correct. */
export function checkCounter(bytes: Uint8Array): CounterVerdict {
  if (bytes.length < NUMBER_BYTES + CHECKSUM_BYTES) return { number: Number.NaN, intact: false };
  const end = bytes.length - CHECKSUM_BYTES;
  const number = getUint32(bytes, 0) + getUint32(bytes, 4) * 4294967296;
  return { number, intact: getUint32(bytes, end) === fnv1a32(bytes, 0, end) >>> 0 };
}

function getUint32(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24)) >>> 0;
}
