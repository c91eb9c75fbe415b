import type { Report } from '../../src/observe/report.js';
import { specFromObject } from '../../src/pipeline/load.js';
import { Pipeline } from '../../src/pipeline/pipeline.js';
import { check } from './bench.js';

export const operatorPath = (name: string): string => new URL(`../../../bench/support/operators/${name}.mjs`, import.meta.url).pathname;

/** Runs a pipeline to its end; seconds, and CPU seconds of the whole process, without start and close. */
export async function runPipeline(description: Record<string, unknown>): Promise<{ report: Report; cpuS: number }> {
  const pipeline = new Pipeline(specFromObject({ version: 1, name: 'bench', ...description }));
  await pipeline.start();
  const before = process.cpuUsage();
  const report = await pipeline.closed;
  const { user, system } = process.cpuUsage(before);
  check(report.ok && report.balanced, `the run was not ok: ${report.error?.message ?? 'unbalanced'}`);
  return { report, cpuS: (user + system) / 1e6 };
}
