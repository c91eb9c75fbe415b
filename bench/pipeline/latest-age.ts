import type { Pipeline } from '../../src/run/pipeline.js';
import { type Bench, check, isSlow } from '../support/bench.js';
import { operatorPath, runPipeline } from '../support/run-pipeline.js';
import { median } from '../support/statistics.js';

const ROW = 'latest-age';
const RATE = 1000;
const INTERVAL_MS = 1e3 / RATE;
const TIMES_SLOWER = 20;
const BUSY_MS = TIMES_SLOWER * INTERVAL_MS;
/** How much the process may grow while the source runs on: what a heap takes before it is swept. */
const FLAT_BYTES = 64 * 2 ** 20;
const LOOK_MS = 20;
/** Results that are left out: the code of the threads is being compiled. */
const SKIPPED = 5;

/**
 * `latest` in front of an operator that takes twenty intervals of the source: how old is a frame when its processing
 * starts. The operator measures it itself, from the frame's time stamp; the reference is what is asked for, two intervals.
 * Memory has to stay flat meanwhile.
 */
export const latestAge: Bench = {
  name: 'latest-age',
  async run({ repeats, scale }) {
    const frames = Math.ceil(1500 * scale);
    /** Median age in source intervals, with each frame taken up `lateMs` later. */
    const age = async (lateMs: number): Promise<number> => {
      const sizes: number[] = [];
      const look = setInterval(() => sizes.push(process.memoryUsage().rss), LOOK_MS);
      const ages: number[] = [];
      const read = async (pipeline: Pipeline): Promise<void> => {
        for await (const frame of pipeline.sink('x')) ages.push((frame.data[0] as number) / INTERVAL_MS);
      };
      try {
        await runPipeline(
          {
            sources: { s: { type: 'sim', pattern: 'noise', pool: 2, shape: [64, 1024], dtype: 'uint8', frames, rate: RATE } },
            stages: { p: { from: 's', overflow: 'latest', capacity: 4, operators: [{ type: operatorPath('age'), ms: BUSY_MS, lateMs }] } },
            sinks: { x: { type: 'iterate', from: 'p' } },
          },
          read,
        );
        const grown = sizes.at(-1)! - sizes[sizes.length >> 2]!;
        check(grown < FLAT_BYTES, `the process grew by ${grown} bytes while frames were dropped`);
        check(ages.length > SKIPPED, `${ages.length} frames were processed`);
        return median(ages.slice(SKIPPED));
      } finally {
        clearInterval(look);
      }
    };
    const ages: number[] = [];
    for (let i = 0; i < repeats; i++) {
      const found = await age(0);
      ages.push(isSlow(ROW) ? await age(found * INTERVAL_MS) : found);
    }
    return [
      {
        row: ROW,
        measured: { name: 'age at the start of processing', unit: 'source intervals', values: ages },
        reference: { name: 'asked for', unit: 'source intervals', values: ages.map(() => 2) },
        ratios: ages.map((value) => 2 / value),
        ratio: 'times fresher than asked for',
        bar: 1,
      },
    ];
  },
};
