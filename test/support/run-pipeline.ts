import type { Logger } from '../../src/errors/logger.js';
import type { Report } from '../../src/observe/report.js';
import type { PipelineOptions } from '../../src/run/pipeline.js';

/** The build, loaded as plain JavaScript: threads cannot start from TypeScript sources. */
const { Pipeline } = (await import('#dist/src/run/pipeline.js' as string)) as typeof import('../../src/run/pipeline.js');
const { specFromObject } = (await import('#dist/src/spec/load.js' as string)) as typeof import('../../src/spec/load.js');

export { Pipeline, specFromObject };

/** Path of a test operator, as a `type`. */
export const operatorPath = (name: string): string => new URL(`./operators/${name}.mjs`, import.meta.url).href;

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface Run {
  readonly report: Report;
  readonly lines: readonly LogLine[];
}

export function recordingLogger(): { logger: Logger; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const level = (name: string) => (fields: object, message: string) => {
    lines.push({ level: name, message, fields: fields as Record<string, unknown> });
  };
  return { lines, logger: { debug: level('debug'), info: level('info'), warn: level('warn'), error: level('error') } };
}

/** Runs a pipeline until its sources have ended. `during` is called once it runs. */
export async function runPipeline(
  description: object,
  options: Omit<PipelineOptions, 'logger'> = {},
  during?: (pipeline: InstanceType<typeof Pipeline>) => unknown,
): Promise<Run> {
  const { logger, lines } = recordingLogger();
  // A test says itself which frames may die or be missing.
  const pipeline = new Pipeline(specFromObject({ version: 1, failOn: 'none', ...description }), { ...options, logger });
  await pipeline.start();
  await during?.(pipeline);
  return { report: await pipeline.closed, lines };
}

const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((all, n) => all + n, 0);

/** All that a ledger accounts for; at rest it is `received`. */
export function accounted(ledger: Report['sources'][string]['ledger']): number {
  return ledger.delivered + ledger.merged + ledger.filtered + sum(ledger.dropped) + sum(ledger.dead) + ledger.inFlight;
}
