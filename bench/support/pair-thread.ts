// One of the two threads of a pair: meets the other before and after each repetition; the consumer keeps the time.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { burn } from './bench.js';
import type { PairData, Side } from './thread-pair.js';

const WARM_UP = 2;

interface ThreadData extends PairData<unknown> {
  readonly meeting: SharedArrayBuffer;
  readonly side: 0 | 1;
  readonly port: MessagePort;
}

const { module, variants, repeats, slow, data, meeting, side, port } = workerData as ThreadData;
const { makeSide } = (await import(module)) as {
  makeSide: (variant: string, side: 0 | 1, data: unknown, port: MessagePort) => Side | Promise<Side>;
};
const arrivals = new Int32Array(meeting);
const sides = await Promise.all(variants.map((variant) => makeSide(variant, side, data, port)));
const seconds: Record<string, number[]> = Object.fromEntries(variants.map((variant) => [variant, []]));

let met = 0;
function meet(): void {
  Atomics.add(arrivals, 0, 1);
  met += 2;
  while (Atomics.load(arrivals, 0) < met);
}

for (let repetition = -WARM_UP; repetition < repeats; repetition++) {
  for (const [i, run] of sides.entries()) {
    meet();
    const startMs = performance.now();
    const pending = run();
    if (pending) await pending;
    if (side === 1 && slow === variants[i]) burn(performance.now() - startMs);
    if (repetition >= 0) seconds[variants[i]!]!.push((performance.now() - startMs) / 1e3);
    meet();
  }
}
if (side === 1) parentPort!.postMessage(seconds);
