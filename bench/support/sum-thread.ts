// A bare thread that runs the operator on memory of its own: what a core can do, without an engine.
import { parentPort, workerData } from 'node:worker_threads';
import { operatorPath } from './run-pipeline.js';

const { frames, bytes, rounds, slow } = workerData as { frames: number; bytes: number; rounds: number; slow: number };
const { sum } = (await import(operatorPath('sum'))) as { sum: (bytes: Uint8Array, rounds: number) => number };
const data = new Uint8Array(new SharedArrayBuffer(bytes));
sum(data, rounds);
const from = performance.now();
for (let n = 0; n < frames; n++) for (let i = 0; i < slow; i++) sum(data, rounds);
parentPort!.postMessage((performance.now() - from) / 1e3);
