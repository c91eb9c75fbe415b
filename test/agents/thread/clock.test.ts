import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { createClock } from '../../../src/agents/thread/clock.js';

test('two threads read the same time within 50 microseconds', async () => {
  const clock = new URL('../../../dist/src/agents/thread/clock.js', import.meta.url).href;
  const code = `import(${JSON.stringify(clock)}).then(({ createClock }) => { const now = createClock(); const { parentPort, workerData } = require('node:worker_threads');
    const words = new Int32Array(workerData); const times = new Float64Array(workerData, 64);
    for (let n = 1; n <= 101; n++) { while (Atomics.load(words, 0) !== n); times[0] = now(); Atomics.store(words, 1, n); } });`;
  const shared = new SharedArrayBuffer(128);
  const words = new Int32Array(shared);
  const times = new Float64Array(shared, 64);
  const worker = new Worker(code, { eval: true, workerData: shared });
  const now = createClock();
  await new Promise((resolve) => worker.once('online', resolve));
  const outside: number[] = [];
  for (let n = 1; n <= 101; n++) {
    const before = now();
    Atomics.store(words, 0, n);
    while (Atomics.load(words, 1) !== n);
    const after = now();
    outside.push(Math.max(0, before - times[0]!, times[0]! - after));
  }
  await worker.terminate();
  expect(outside.sort((a, b) => a - b)[50]).toBeLessThan(50);
});
