import { totalmem } from 'node:os';
import { ARENA_MAX_BYTES } from '../memory/arena.js';

/** The most shared memory that a plan may use, and where the number comes from. */
export interface MemoryBudget {
  readonly bytes: number;
  /** `file`: the key `memory`. `container`, `machine`: a quarter of what there is. `limit`: the most that one shared memory can have. */
  readonly origin: 'file' | 'container' | 'machine' | 'limit';
}

/** `given`: the value of `memory` in bytes. Without it: a quarter of the memory of the container or machine, at most 4 GiB. */
export function memoryBudget(
  given: number | undefined,
  machineBytes = totalmem(),
  containerBytes = process.constrainedMemory(),
): MemoryBudget {
  if (given !== undefined && given <= ARENA_MAX_BYTES) return { bytes: given, origin: 'file' };
  if (given !== undefined) return { bytes: ARENA_MAX_BYTES, origin: 'limit' };
  // Without a limit the container reports 0 or a number larger than the machine.
  const isLimited = containerBytes > 0 && containerBytes < machineBytes;
  const bytes = Math.floor((isLimited ? containerBytes : machineBytes) / 4);
  if (bytes >= ARENA_MAX_BYTES) return { bytes: ARENA_MAX_BYTES, origin: 'limit' };
  return { bytes, origin: isLimited ? 'container' : 'machine' };
}

/** The origin of a budget in words. */
export const ORIGINS: Readonly<Record<MemoryBudget['origin'], string>> = {
  file: 'the value of memory',
  container: 'a quarter of the memory of this container',
  machine: 'a quarter of the memory of this machine',
  limit: 'the most that one shared memory can have',
};
