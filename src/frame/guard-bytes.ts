import { META_BYTES, SLOT } from './slot-layout.js';

/**
 * Known bytes after each region of an arena that is planned with `guards`, for tests: a write beyond a region changes
 * them. Without `guards` no region has them.
 */
export const GUARD_BYTES = 64;
const GUARD = 0xb7;

export function writeGuard(bytes: Uint8Array, address: number): void {
  bytes.fill(GUARD, address, address + GUARD_BYTES);
}

export function isIntact(bytes: Uint8Array, address: number): boolean {
  for (let at = address; at < address + GUARD_BYTES; at++) if (bytes[at] !== GUARD) return false;
  return true;
}

/** Offset of the guard of a header: after its last word. */
export const guardOfHeader = (header: number): number => header + SLOT.count + 4;

/** Offset of the guard of a payload: after the room for its meta. */
export const guardOfPayload = (payload: number, maxDataBytes: number): number => payload + Math.ceil(maxDataBytes / 64) * 64 + META_BYTES;
