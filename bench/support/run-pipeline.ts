import { setTimeout as sleep } from 'node:timers/promises';
import type { Report } from '../../src/observe/report.js';
import type { ModulePath } from '../../src/run/builder.js';
import { Pipeline } from '../../src/run/pipeline.js';
import { specFromObject } from '../../src/spec/load.js';
import { check } from './bench.js';

const LOOK_MS = 5;

export const operatorPath = (name: string): ModulePath =>
  new URL(`../../../bench/support/operators/${name}.mjs`, import.meta.url).pathname as ModulePath;

/** Runs a pipeline to its end. */
export async function runPipeline(description: Record<string, unknown>, watch?: (pipeline: Pipeline) => Promise<void>): Promise<Report> {
  const pipeline = new Pipeline(specFromObject({ version: 1, name: 'bench', ...description }));
  await pipeline.start();
  await watch?.(pipeline);
  const report = await pipeline.closed;
  check(report.ok && report.balanced, `the run was not ok: ${report.error?.message ?? 'unbalanced'}`);
  return report;
}

/** Frames a second once the first `skip` of them are through and the code of the threads is compiled. */
export async function steadyRate(description: Record<string, unknown>, skip: number, frames: number): Promise<number> {
  let rate = 0;
  await runPipeline(description, async (pipeline) => {
    const reached = async (least: number): Promise<{ count: number; ms: number }> => {
      for (;;) {
        const count = pipeline.progress().delivered;
        if (count >= least) return { count, ms: performance.now() };
        await sleep(LOOK_MS);
      }
    };
    const from = await reached(skip);
    const to = await reached(skip + frames);
    rate = (to.count - from.count) / ((to.ms - from.ms) / 1e3);
  });
  return rate;
}
