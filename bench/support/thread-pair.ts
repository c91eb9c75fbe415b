import { MessageChannel, Worker } from 'node:worker_threads';

/** What one thread of a pair does in one repetition; a consumer (side 1) throws when what came was wrong. */
export type Side = () => void | Promise<void>;

export interface PairData<D> {
  /** URL of the module that exports `makeSide`. */
  readonly module: string;
  readonly variants: readonly string[];
  readonly repeats: number;
  /** The variants that are to take twice as long. */
  readonly slow: readonly string[];
  readonly data: D;
}

export interface PairTimes {
  /** By variant, one a repetition. */
  readonly seconds: Readonly<Record<string, readonly number[]>>;
  /**
   * How long a line of memory took to the other thread and back, one a repetition. A virtual machine does not say whether
   * its processors share a core, and it changes: some of the ratios change with it.
   */
  readonly roundTripNs: readonly number[];
}

/** Every variant, made once in each of two threads, then run in turns: their times can be compared repetition by repetition. */
export async function runPair<D>(pair: PairData<D>): Promise<PairTimes> {
  const meeting = new SharedArrayBuffer(256);
  const { port1, port2 } = new MessageChannel();
  const threads = [port1, port2].map(
    (port, side) =>
      new Worker(new URL('./pair-thread.js', import.meta.url), { workerData: { ...pair, meeting, side, port }, transferList: [port] }),
  );
  try {
    return await new Promise((resolve, reject) => {
      for (const thread of threads) thread.once('error', reject);
      threads[1]!.once('message', resolve);
    });
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}
