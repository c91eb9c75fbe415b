import type { Report } from '../../src/observe/report.js';
import type { PipelineOptions } from '../../src/run/pipeline.js';
import { Pipeline, recordingLogger, specFromObject } from './run-pipeline.js';

/** A result as a test keeps it: the data are a copy. */
export interface Read {
  readonly source: string;
  readonly ordinal: number;
  readonly sequence: number;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly data: Float64Array;
}

export interface ReadRun {
  readonly report: Report;
  /** What came out of each sink, in order. */
  readonly read: Readonly<Record<string, Read[]>>;
  /** Lines of the log of level error. */
  readonly errors: readonly unknown[];
}

/** Runs a pipeline whose sinks are all `iterate`, and reads them to their ends. `during`: what happens meanwhile. */
export async function readIterates(
  description: { readonly sinks: Readonly<Record<string, unknown>> },
  during?: (pipeline: InstanceType<typeof Pipeline>) => unknown,
  options: Omit<PipelineOptions, 'logger'> = {},
): Promise<ReadRun> {
  const { logger, lines } = recordingLogger();
  const pipeline = new Pipeline(specFromObject({ version: 1, ...description }), { ...options, logger });
  await pipeline.start();
  const read: Record<string, Read[]> = {};
  const reading = Object.keys(description.sinks).map(async (name) => {
    read[name] = [];
    for await (const { source, ordinal, sequence, meta, data } of pipeline.sink(name))
      read[name].push({ source, ordinal, sequence, meta, data: data.slice() as Float64Array });
  });
  await during?.(pipeline);
  await Promise.all(reading);
  const report = await pipeline.closed;
  return { report, read, errors: lines.filter(({ level }) => level === 'error') };
}

export const blocks = (frames: readonly Read[], size: number): Read[][] =>
  Array.from({ length: Math.ceil(frames.length / size) }, (_, i) => frames.slice(i * size, (i + 1) * size));
