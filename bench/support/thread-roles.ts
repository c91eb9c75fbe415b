import { readdirSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { threadCpuUs } from './thread-cpu.js';

interface Task {
  readonly id: number;
  readonly name: string;
}

function tasks(): Task[] {
  try {
    return readdirSync('/proc/self/task').map((id) => ({
      id: Number(id),
      name: readFileSync(`/proc/self/task/${id}/comm`, 'latin1').trim(),
    }));
  } catch {
    return []; // not Linux
  }
}

/**
 * Processor time by the role of each thread that a pipeline starts. Threads are told apart by the order in which they are
 * made (workers, sinks, sources), those of libzmq, which outlive a pipeline, by their names.
 */
export class ThreadRoles {
  #before = new Set<number>();
  readonly #ids = new Map<string, number[]>();

  /** Before the pipeline starts. */
  async prepare(): Promise<void> {
    await Promise.all(Array.from({ length: 8 }, () => stat('.'))); // libuv makes its threads at their first use
    this.#before = new Set(tasks().map(({ id }) => id));
  }

  /** After it has started: names its threads, in the order in which they were made. */
  assign(roles: readonly string[]): void {
    const made = tasks()
      .filter(({ id }) => !this.#before.has(id))
      .sort((a, b) => a.id - b.id);
    const own = made.filter(({ name }) => !name.startsWith('ZMQ'));
    if (own.length !== roles.length) return; // another Node makes other threads: no figures are better than wrong ones
    for (const [i, role] of roles.entries()) this.#ids.set(role, [own[i]!.id]);
    this.#ids.set(
      'libzmq',
      tasks()
        .filter(({ name }) => name.startsWith('ZMQ'))
        .map(({ id }) => id),
    );
  }

  cpuUs(): Map<string, number> {
    return new Map([...this.#ids].map(([role, ids]) => [role, ids.reduce((sum, id) => sum + threadCpuUs(`self/task/${id}`), 0)]));
  }
}
