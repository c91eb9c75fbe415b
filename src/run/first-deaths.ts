import type { FromThread } from '../agents/thread/thread-messages.js';
import type { FirstDeath } from '../observe/judge.js';

/** A report names at most this many nodes at which frames died, each with its first reason. */
const MAX_DEATHS = 20;

/** The first death for each reason at each node, from the log of the threads: the "where" and "why" of the verdict. */
export class FirstDeaths {
  readonly #deaths = new Map<string, FirstDeath>();

  add({ fields, message }: Pick<Extract<FromThread, { kind: 'log' }>, 'fields' | 'message'>): void {
    const { reason, stage, sink, source } = fields as Readonly<Record<string, unknown>>;
    const node = stage ?? sink ?? source;
    if (typeof reason !== 'string' || typeof node !== 'string') return;
    const key = `${node} ${reason}`;
    if (this.#deaths.has(key) || this.#deaths.size >= MAX_DEATHS) return;
    this.#deaths.set(key, { node, reason, message });
  }

  get list(): readonly FirstDeath[] {
    return [...this.#deaths.values()];
  }
}
