import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Cores that the cgroup quota allows (`os.availableParallelism` ignores it); undefined without a quota. */
export function cgroupCores(root = '/sys/fs/cgroup', selfFile = '/proc/self/cgroup'): number | undefined {
  let group = '/';
  try {
    group = /^0::(\/.*)$/m.exec(readFileSync(selfFile, 'utf8'))?.[1] ?? '/';
  } catch {
    // No cgroups here.
  }
  let least: number | undefined;
  // A parent group limits too.
  const parts = group.split('/').filter((part) => part !== '' && part !== '..');
  for (let depth = parts.length; depth >= 0; depth--) {
    const cores = quota(join(root, ...parts.slice(0, depth), 'cpu.max'));
    if (cores !== undefined && (least === undefined || cores < least)) least = cores;
  }
  return least;
}

/** `150000 100000` means one and a half cores, `max 100000` no limit. */
function quota(file: string): number | undefined {
  try {
    const match = /^(\d+) (\d+)/.exec(readFileSync(file, 'utf8'));
    return match && Number(match[2]) > 0 ? Number(match[1]) / Number(match[2]) : undefined;
  } catch {
    return undefined;
  }
}
