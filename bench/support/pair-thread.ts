// One of the two threads of a pair: meets the other before and after each repetition; the consumer keeps the time.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { burn } from './bench.js';
import type { PairData, PairTimes, Side } from './thread-pair.js';

const WARM_UP = 2;
const ROUND_TRIPS = 5000;
const BALL = 32;

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
const roundTripNs: number[] = [];

let met = 0;
function meet(): void {
  Atomics.add(arrivals, 0, 1);
  met += 2;
  while (Atomics.load(arrivals, 0) < met);
}

/** Nanoseconds in which a line of memory goes to the other thread and comes back. */
function bounce(): number {
  meet();
  const startMs = performance.now();
  const from = Atomics.load(arrivals, BALL);
  meet();
  for (let n = from + side; n < from + 2 * ROUND_TRIPS; n += 2) {
    while (Atomics.load(arrivals, BALL) !== n);
    Atomics.store(arrivals, BALL, n + 1);
  }
  meet();
  return ((performance.now() - startMs) * 1e6) / ROUND_TRIPS;
}

for (let repetition = -WARM_UP; repetition < repeats; repetition++) {
  for (const [i, run] of sides.entries()) {
    meet();
    const startMs = performance.now();
    const pending = run();
    if (pending) await pending;
    if (side === 1 && slow.includes(variants[i]!)) burn(performance.now() - startMs);
    if (repetition >= 0) seconds[variants[i]!]!.push((performance.now() - startMs) / 1e3);
    meet();
  }
  const ns = bounce();
  if (repetition >= 0) roundTripNs.push(ns);
}
if (side === 1) parentPort!.postMessage({ seconds, roundTripNs } satisfies PairTimes);
