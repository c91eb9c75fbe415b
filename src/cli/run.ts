import { writeFile } from 'node:fs/promises';
import { asMillraceError, EXIT } from '../errors/errors.js';
import type { FailOn } from '../observe/fail-on.js';
import type { Pipeline } from '../run/pipeline.js';
import { loadPipeline } from '../spec/load.js';
import type { PipelineSpec } from '../spec/spec.js';
import type { CliContext } from './context.js';
import { withFailOn } from './fail-on-option.js';
import type { Output } from './output.js';
import type { OutputOptions } from './output-options.js';
import { formatStderr, RunOutput } from './run-output.js';

export interface RunOptions extends OutputOptions {
  readonly report?: string;
  /** `false`: no control socket. */
  readonly ctl?: boolean;
  readonly runDir?: string;
  /** Overrides the value of the file. */
  readonly failOn?: readonly FailOn[];
}

/** `millrace run FILE`. */
export async function run(file: string, options: RunOptions & { readonly set?: readonly string[] }, context: CliContext): Promise<number> {
  formatStderr(context.output, options);
  return runSpec(await loadPipeline(file, { set: options.set ?? [] }), { ...options, ctl: options.ctl ?? true }, context);
}

/** Runs a pipeline until its sources end or the signal drains it; resolves with 0 when its report is `ok`. */
export async function runSpec(
  spec: PipelineSpec,
  options: RunOptions,
  { output, signal, force, readerGone, abandonOutput }: CliContext,
): Promise<number> {
  // Only verbs that need the engine with its threads load it.
  const { Pipeline } = await import('../run/pipeline.js');
  const shown = new RunOutput(output, options);
  const pipeline = new Pipeline(withFailOn(spec, options.failOn), { logger: shown.log });
  force?.addEventListener('abort', () => void pipeline.abort(), { once: true });
  readerGone?.addEventListener('abort', () => void pipeline.outputGone(), { once: true });
  const control = options.ctl ? await (await import('./ctl/run-folder.js')).openControl(pipeline, options.runDir, output) : undefined;
  try {
    return await follow(pipeline, shown, options, output, signal, { readerGone, abandonOutput });
  } finally {
    shown.log.close();
    await control?.close();
  }
}

async function follow(
  pipeline: Pipeline,
  shown: RunOutput,
  options: RunOptions,
  output: Output,
  signal: AbortSignal,
  { readerGone, abandonOutput }: Pick<CliContext, 'readerGone' | 'abandonOutput'>,
): Promise<number> {
  const { spec } = pipeline;
  await pipeline.start({ signal });
  const hide = shown.showProgress(() => pipeline.progress());
  const report = await pipeline.closed.finally(hide);
  // A sink that prints uses stdout alone.
  const prints = Object.values(spec.sinks).some(({ type }) => type === 'print');
  if (options.json) output.out(JSON.stringify(report));
  // A reader that has closed the output needs no summary.
  else if (!readerGone?.aborted) shown.summarize(report, prints);
  if (options.report !== undefined) {
    try {
      await writeFile(options.report, `${JSON.stringify(report, undefined, 2)}\n`);
    } catch (thrown) {
      throw asMillraceError(thrown, 'ERR_USAGE', `the report cannot be written to ${options.report}`);
    }
  }
  // The run ended without its reader. The lines of this command itself still wait for the reader.
  if (report.error && prints && !options.json) abandonOutput?.();
  return report.ok ? EXIT.done : EXIT.failed;
}
