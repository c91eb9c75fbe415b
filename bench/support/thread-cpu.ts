import { readFileSync } from 'node:fs';

/** Processor time of the calling thread in microseconds, from Linux; NaN elsewhere (Node 20 has no call for it). */
export function threadCpuUs(task = 'thread-self'): number {
  try {
    return Number(readFileSync(`/proc/${task}/schedstat`, 'latin1').split(' ')[0]) / 1e3;
  } catch {
    return Number.NaN;
  }
}
