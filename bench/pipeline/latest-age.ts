import { type Bench, check, isSlow } from '../support/bench.js';
import { operatorPath, runPipeline } from '../support/run-pipeline.js';

const ROW = 'latest-age';
const RATE = 1000;
const INTERVAL_US = 1e6 / RATE;
const TIMES_SLOWER = 20;
const BUSY_MS = (TIMES_SLOWER * INTERVAL_US) / 1e3;
/** How much the process may grow while the source runs on: what a heap takes before it is swept. */
const FLAT_BYTES = 64 * 2 ** 20;
const LOOK_MS = 20;

/**
 * `latest` in front of an operator that takes twenty intervals of the source: how old is a frame when its processing
 * starts. From the latency of the sink less the time in the operator; the reference is what is asked for, two intervals.
 * Memory has to stay flat meanwhile.
 */
export const latestAge: Bench = {
  name: 'latest-age',
  async run({ repeats, scale }) {
    const frames = Math.ceil(1500 * scale);
    /** Median age in source intervals; the operator takes `extraMs` longer than is taken off. */
    const age = async (extraMs: number): Promise<number> => {
      const sizes: number[] = [];
      const look = setInterval(() => sizes.push(process.memoryUsage().rss), LOOK_MS);
      try {
        const report = await runPipeline({
          sources: { s: { type: 'sim', pattern: 'noise', pool: 2, shape: [64, 1024], dtype: 'uint8', frames, rate: RATE } },
          stages: { p: { from: 's', overflow: 'latest', capacity: 4, operators: [{ type: operatorPath('spin'), ms: BUSY_MS + extraMs }] } },
          sinks: { x: { type: 'null', from: 'p' } },
        });
        const grown = sizes.at(-1)! - sizes[sizes.length >> 2]!;
        check(grown < FLAT_BYTES, `the process grew by ${grown} bytes while frames were dropped`);
        return (report.sinks.x!.latencyUs.p50 - BUSY_MS * 1e3) / INTERVAL_US;
      } finally {
        clearInterval(look);
      }
    };
    const ages: number[] = [];
    for (let i = 0; i < repeats; i++) {
      const found = await age(0);
      ages.push(isSlow(ROW) ? await age((found * INTERVAL_US) / 1e3) : found);
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
