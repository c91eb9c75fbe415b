import { Worker } from 'node:worker_threads';
import { type Bench, isSlow } from '../support/bench.js';
import { operatorPath, steadyRate } from '../support/run-pipeline.js';

const BYTES = 65_536;
const ROUNDS = 20;
/** Frames before and after those that are timed. */
const SKIPPED = 60;
const LEFT = 8;

function bare(threads: number, frames: number): Promise<number> {
  return Promise.all(
    Array.from(
      { length: threads },
      () =>
        new Promise<number>((resolve, reject) => {
          const workerData = { frames: frames / threads, bytes: BYTES, rounds: ROUNDS, slow: 1 };
          const worker = new Worker(new URL('../support/sum-thread.js', import.meta.url), { workerData });
          worker.once('message', resolve);
          worker.once('error', reject);
        }),
    ),
  ).then((seconds) => Math.max(...seconds));
}

/** The speed-up of two workers over one, against that of two bare threads over one, with an operator that only computes. */
export const twoWorkers: Bench = {
  name: 'two-workers',
  async run({ repeats, scale }) {
    const frames = 2 * Math.ceil(150 * scale);
    const staged = (workers: number, rounds: number): Promise<number> => {
      const description = {
        sources: { s: { type: 'sim', pattern: 'noise', pool: 2, shape: [64, 1024], dtype: 'uint8', frames: SKIPPED + frames + LEFT } },
        stages: { p: { from: 's', workers, operators: [{ type: operatorPath('sum'), rounds }] } },
        sinks: { x: { type: 'null', from: 'p' } },
      };
      return steadyRate(description, SKIPPED, frames);
    };
    const slow = isSlow('two-workers') ? 2 : 1;
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let i = 0; i < repeats; i++) {
      ours.push((await staged(2, ROUNDS * slow)) / (await staged(1, ROUNDS)));
      theirs.push((await bare(1, frames)) / (await bare(2, frames)));
    }
    return [
      {
        row: 'two-workers',
        measured: { name: 'two workers over one', unit: 'times', values: ours },
        reference: { name: 'two bare threads over one', unit: 'times', values: theirs },
        ratios: ours.map((value, i) => value / theirs[i]!),
        ratio: 'of the speed-up of bare threads',
        bar: 0.9,
      },
    ];
  },
};
