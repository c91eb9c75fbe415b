import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** Starts zmtp-flood in a process of its own. */
export class FloodPeer {
  readonly #child: ChildProcess;

  constructor(...args: (string | number)[]) {
    this.#child = fork(new URL('./zmtp-flood.js', import.meta.url), args.map(String));
  }

  /** Of one that serves. */
  async port(): Promise<number> {
    const [port] = (await once(this.#child, 'message')) as [number];
    return port;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}

export const portOf = (address: string): string => address.slice(address.lastIndexOf(':') + 1);

/** Slots in shared memory that take turns. */
export function turningSlots(lengthBytes: number, slots = 8): () => Buffer {
  const memory = Buffer.from(new SharedArrayBuffer(lengthBytes * slots));
  const views = Array.from({ length: slots }, (_, slot) => memory.subarray(slot * lengthBytes, (slot + 1) * lengthBytes));
  let turn = 0;
  return () => views[turn++ % slots]!;
}

export interface Cost {
  /** Processor time of this process for each step, microseconds. */
  readonly cpuUs: number;
  readonly perS: number;
}

/** Runs `step` `count` times, after a tenth of it to warm up. */
export async function costOf(count: number, step: () => Promise<void> | void): Promise<Cost> {
  for (let index = 0; index < count / 10; index++) await step();
  const before = process.cpuUsage();
  const fromMs = performance.now();
  for (let index = 0; index < count; index++) await step();
  const ms = performance.now() - fromMs;
  const { user, system } = process.cpuUsage(before);
  return { cpuUs: (user + system) / count, perS: (count / ms) * 1e3 };
}
