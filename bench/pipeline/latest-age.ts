import type { Bench } from '../support/bench.js';
import { operatorPath, runPipeline } from '../support/run-pipeline.js';

const RATE = 1000;
const INTERVAL_US = 1e6 / RATE;
const TIMES_SLOWER = 20;

/**
 * `latest` in front of an operator that takes twenty intervals of the source: how old is a frame when its processing
 * starts. From the latency of the sink less the time in the operator; the reference is what is asked for, two intervals.
 */
export const latestAge: Bench = {
  name: 'latest-age',
  async run({ repeats, scale }) {
    const frames = Math.ceil(1500 * scale);
    const ages: number[] = [];
    for (let i = 0; i < repeats; i++) {
      const busyMs = (TIMES_SLOWER * INTERVAL_US) / 1e3;
      const report = await runPipeline({
        sources: { s: { type: 'sim', pattern: 'noise', pool: 2, shape: [64, 1024], dtype: 'uint8', frames, rate: RATE } },
        stages: { p: { from: 's', overflow: 'latest', capacity: 4, operators: [{ type: operatorPath('spin'), ms: busyMs }] } },
        sinks: { x: { type: 'null', from: 'p' } },
      });
      ages.push((report.sinks.x!.latencyUs.p50 - busyMs * 1e3) / INTERVAL_US);
    }
    return [
      {
        row: 'latest-age',
        measured: { name: 'age at the start of processing', unit: 'source intervals', values: ages },
        reference: { name: 'asked for', unit: 'source intervals', values: ages.map(() => 2) },
        ratios: ages.map((age) => 2 / age),
        ratio: 'times fresher than asked for',
        bar: 1,
      },
    ];
  },
};
