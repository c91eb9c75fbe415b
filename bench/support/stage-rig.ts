import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type SmallArena, smallArena } from './small-arena.js';

export interface StageOptions {
  readonly operator: 'touch' | 'sum';
  readonly frameBytes: number;
  readonly slots: number;
}

export interface StageOrder {
  readonly kind: 'stage' | 'bare';
  readonly arena: SmallArena;
  readonly operator: string;
  readonly frames: number;
  /** Twice the time, planted in the run loop's path. */
  readonly slow: boolean;
}

export interface StageTime {
  readonly seconds: number;
  /** Of the thread that runs the operator. */
  readonly cpuUs: number;
}

const OPERATORS = dirname(fileURLToPath(new URL('./operators/touch.js', import.meta.url)));

/**
 * The run loop of one worker alone: a worker thread runs the operator agent, another thread is source and sink in one, which
 * commits slots that are filled already and settles what comes out. The same worker also runs the operator in a bare loop.
 */
export class StageRig {
  readonly #worker = new Worker(new URL('./stage-thread.js', import.meta.url));
  readonly #feeder = new Worker(new URL('./feeder-thread.js', import.meta.url));
  readonly #options: StageOptions;

  constructor(options: StageOptions) {
    this.#options = options;
  }

  async run(kind: 'stage' | 'bare', frames: number, slow = false): Promise<StageTime> {
    const { operator, frameBytes, slots } = this.#options;
    const arena = await smallArena(frameBytes, slots, { baseDir: OPERATORS, operators: [{ type: `./${operator}.js` }] });
    const order: StageOrder = { kind, arena, operator: `${OPERATORS}/${operator}.js`, frames, slow };
    const time = answer<StageTime>(this.#worker, order);
    if (kind === 'stage') await answer<string>(this.#feeder, order);
    return time;
  }

  async close(): Promise<void> {
    await Promise.all([this.#worker.terminate(), this.#feeder.terminate()]);
  }
}

function answer<T>(thread: Worker, order: StageOrder): Promise<T> {
  return new Promise((resolve, reject) => {
    thread.once('error', reject);
    thread.once('message', (message: T) => {
      thread.off('error', reject);
      resolve(message);
    });
    thread.postMessage(order);
  });
}
