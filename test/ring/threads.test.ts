import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { createArena } from '../../src/memory/arena.js';
import { formatArena } from '../../src/plan/format-arena.js';
import { plan as makePlan } from '../../src/plan/plan.js';
import { LINE, RING } from '../../src/ring/ring-layout.js';
import { specFromObject } from '../../src/spec/load.js';
import { sized } from '../support/test-size.js';

/** Spinning threads on fewer cores are slow: a run takes seconds on two, more beside other work. */
const ITEMS = sized(3000, 50_000);

/** Real threads on one edge: producers claim, commit and push; consumers take and release. */
async function run(producers: number, consumers: number, capacity: number): Promise<void> {
  const operators = [{ type: 'veto', min: 0 }];
  const spec = specFromObject({
    version: 1,
    sources: { s: { type: 'sim', pattern: 'counter', shape: [1, 16], dtype: 'uint8' } },
    stages: {
      a: { from: 's', workers: producers, order: 'none', operators },
      b: { from: 'a', workers: consumers, order: 'none', capacity, operators },
    },
    sinks: { out: { type: 'null', from: 'b', order: 'none' } },
  });
  const { plan } = await makePlan(spec);
  const memory = createArena(plan.bytes);
  formatArena(memory, plan);
  const shared = new SharedArrayBuffer(4 * (ITEMS + 2));
  const start = async (role: 'produce' | 'consume', node: string, index: number): Promise<{ breaks: number; count: number }> => {
    const { thread } = plan.threads.find((one) => one.node === node && one.index === index)!;
    const worker = new Worker(new URL('../support/ring-thread.mjs', import.meta.url), {
      workerData: { memory, plan, thread, role, index, producers, items: ITEMS, from: 'a', to: 'b', shared },
    });
    const [result] = await once(worker, 'message');
    await worker.terminate();
    return result as { breaks: number; count: number };
  };
  const results = await Promise.all([
    ...Array.from({ length: producers }, (_, index) => start('produce', 'a', index)),
    ...Array.from({ length: consumers }, (_, index) => start('consume', 'b', index)),
  ]);
  const seen = new Int32Array(shared, 0, ITEMS);
  expect(seen.every((times) => times === 1)).toBe(true);
  // Whole payloads, and each consumer sees the items of one producer in their order.
  expect(results.reduce((sum, { breaks }) => sum + breaks, 0)).toBe(0);
  expect(results.slice(producers).reduce((sum, { count }) => sum + count, 0)).toBe(ITEMS);
  const words = new Int32Array(memory.buffer);
  const pool = plan.pools.find(({ owner }) => owner === 'a')!;
  const free = Array.from({ length: pool.cells }, (_, i) => words[(pool.ring + RING.cells + 8 * i + 4) >>> 2]!).filter((slot) => slot >= 0);
  expect(new Set(free).size).toBe(pool.slots);
  expect(free.length).toBe(pool.slots);
  expect(plan.threads.every(({ line }) => words[(line + LINE.busy) >>> 2] === 0)).toBe(true);
}

describe(`${ITEMS} items through one edge`, () => {
  for (const [producers, consumers] of [
    [1, 1],
    [2, 2],
    [1, 3],
    [3, 1],
  ] as const) {
    for (const capacity of [1, 5]) {
      it(
        `${producers} to ${consumers} threads, ${capacity} at a time: each comes once, whole and in its producer's order`,
        { timeout: 300_000 },
        () => run(producers, consumers, capacity),
      );
    }
  }
});
