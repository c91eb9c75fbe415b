const OFFSET_BASIS = 0x811c9dc5;
const PRIME = 0x01000193;

/** The 32-bit FNV-1a hash of `bytes[start, end)`, unsigned (Fowler, Noll, Vo; constants of draft-eastlake-fnv). */
export function fnv1a32(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let hash = OFFSET_BASIS;
  for (let index = start; index < end; index++) hash = Math.imul(hash ^ bytes[index]!, PRIME);
  return hash >>> 0;
}
