import { META_BYTES, SLOT } from './slot-layout.js';

/**
 * Known bytes behind each region of an arena that is planned with `guards`, for tests: whoever writes beyond what it holds
 * changes them. Without `guards` no region has any.
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

/** Where the guard of a header begins: behind its last word. */
export const guardOfHeader = (header: number): number => header + SLOT.count + 4;

/** Where the guard of a payload begins: behind the room for its meta. */
export const guardOfPayload = (payload: number, maxDataBytes: number): number => payload + Math.ceil(maxDataBytes / 64) * 64 + META_BYTES;
