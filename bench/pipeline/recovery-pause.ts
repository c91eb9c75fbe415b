import { setTimeout as sleep } from 'node:timers/promises';
import { Pipeline } from '../../src/run/pipeline.js';
import { specFromObject } from '../../src/spec/load.js';
import { type Bench, check } from '../support/bench.js';
import { operatorPath } from '../support/run-pipeline.js';

const SLOTS = 4096;
const ALLOWED_MS = 10;
const SETTLE_MS = 40;

/** How long all other threads stand still while what a dead worker held is taken over: 4096 slots, a worker ended in full run. */
export const recoveryPause: Bench = {
  name: 'recovery-pause',
  async run({ repeats }) {
    const pipeline = new Pipeline(
      specFromObject({
        version: 1,
        name: 'bench',
        sources: { s: { type: 'sim', pattern: 'noise', pool: 2, shape: [8, 8], dtype: 'uint8', frames: 1e9, rate: 20_000, slots: SLOTS } },
        stages: { p: { from: 's', workers: 2, attempts: 100, operators: [{ type: operatorPath('sum') }] } },
        sinks: { x: { type: 'null', from: 'p' } },
      }),
    );
    await pipeline.start();
    let ended = 0;
    while (pipeline.recoveryPausesMs.length < repeats + 1) {
      await sleep(SETTLE_MS);
      if (pipeline.terminateWorker('p', ended % 2)) ended++;
    }
    const report = await pipeline.stop();
    check(report.ok && report.balanced, `the run was not ok: ${report.error?.message ?? 'unbalanced'}`);
    const { delivered, received } = report.sources.s!.ledger;
    check(delivered === received, `${delivered} of ${received} delivered`);
    const pauses = pipeline.recoveryPausesMs.slice(1, repeats + 1); // the first compiles
    return [
      {
        row: 'recovery-pause',
        measured: { name: 'pause of the others', unit: 'ms', values: pauses },
        reference: { name: 'allowed', unit: 'ms', values: pauses.map(() => ALLOWED_MS) },
        ratios: pauses.map((ms) => ALLOWED_MS / ms),
        ratio: `${ALLOWED_MS} ms to the pause`,
        bar: 1,
      },
    ];
  },
};
