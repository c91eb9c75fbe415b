import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT } from '../errors/errors.js';
import type { FailOn } from '../observe/fail-on.js';
import type { Report } from '../observe/report.js';
import { specFromObject } from '../spec/load.js';
import { makeFolder } from '../transports/make-folder.js';
import type { CliContext } from './context.js';
import { freePort } from './demo/free-port.js';
import { type DemoJob, planJob } from './demo/job.js';
import { ResultClient } from './demo/result-client.js';
import { standalone } from './demo/standalone.js';
import { tableOf, writeProfile, writeReport } from './demo/write-results.js';
import { withFailOn } from './fail-on-option.js';
import { LogOutput, logFormatFor } from './log-output.js';
import { processOutput } from './output.js';
import { showProgress } from './progress.js';
import { formatCount } from './quantities.js';
import { summary } from './summary.js';
import { table } from './table.js';

export interface DemoOptions {
  /** Frames to process instead of the simulated detector: HDF5, NPY, TIFF or CBF. */
  readonly input?: string;
  /** PONI file with the geometry of the input. Without it the demo writes an image and statistics, but no profile. */
  readonly geometry?: string;
  /** Folder for the results, by default `demo-out`. */
  readonly out?: string;
  /** How long the simulated detector sends, or the time limit for an input. */
  readonly seconds?: number;
  /** Number of frames of the simulated detector, instead of a time. */
  readonly frames?: number;
  readonly failOn?: readonly FailOn[];
  /** Print only the report, on stdout. */
  readonly json?: boolean;
}

const SIMULATED_SECONDS = 8;
const LONGEST_SECONDS = 45;
/** Time for frames still in transit between the two pipelines when the first has ended. */
const ARRIVAL_MS = 5000;
const RESULTS = ['report.json', 'profile.csv', 'profile.svg', 'frame.png'];

/** Runs the demo from end to end, as `npm start` does. Resolves with the exit code. */
export async function demo(options: DemoOptions, context: Partial<CliContext> = {}): Promise<number> {
  const { output = processOutput(), signal = new AbortController().signal } = context;
  const out = resolve(options.out ?? 'demo-out');
  await makeFolder(out);
  // Results of an earlier run must not be mistaken for those of this run.
  for (const name of RESULTS) await rm(join(out, name), { force: true });
  const results = `tcp://127.0.0.1:${await freePort()}`;
  const job = await planJob({
    out,
    output,
    results,
    frames: `tcp://127.0.0.1:${await freePort()}`,
    frameCount: options.frames,
    input: options.input,
    geometry: options.geometry,
  });
  await writeFile(join(out, 'pipeline.yaml'), standalone(job));
  if (!options.json) output.out(job.title);
  const client = await ResultClient.bind(results);
  let report: Report;
  let isSent: boolean;
  try {
    ({ report, isSent } = await runJob(job, out, options, { output, signal }));
    await client.waitFor(report.sinks.live?.delivered ?? 0, ARRIVAL_MS);
  } finally {
    await client.close();
  }
  const files = [await writeReport(out, report), 'pipeline.yaml'];
  if (existsSync(join(out, 'frame.png'))) files.push('frame.png');
  if (options.json) output.out(JSON.stringify(report));
  else
    for (const line of summary(report, { columns: output.columns, ...(output.paint ? { paint: output.paint.out } : {}) })) output.out(line);
  if (client.last) {
    const result = tableOf(client.last);
    if (result.columns[0] === 'q_A^-1') {
      const note = `frame number ${client.last.sequence ?? 0}, the last of ${formatCount(client.received)}`;
      files.push(...(await writeProfile(out, result, { title: job.title, note, marks: job.marks })));
    } else if (!options.json) {
      const lines = table(
        ['last frame', ''],
        result.columns.map((column, row) => [column, String(result.rows[row]![0])]),
      );
      for (const line of ['', ...lines]) output.out(line);
    }
  }
  if (!options.json) {
    output.out(`${formatCount(client.received)} results reached the client at ${results}`);
    output.out(`files: ${files.map((name) => join(relative('.', out) || '.', name)).join(', ')}`);
  }
  return report.ok && isSent && client.received === report.sinks.live?.delivered ? EXIT.done : EXIT.failed;
}

/**
 * Runs pipeline and sender until the sender ends, the time is up or the signal is aborted; resolves with the pipeline's
 * report.
 */
async function runJob(
  job: DemoJob,
  out: string,
  options: DemoOptions,
  { output, signal }: CliContext,
): Promise<{ report: Report; isSent: boolean }> {
  const { Pipeline } = await import('../run/pipeline.js');
  const warn = new LogOutput(output.err, { level: 'warn', format: logFormatFor(output.isTty, process.env) });
  const pipeline = new Pipeline(withFailOn(specFromObject(job.pipeline, { baseDir: out }), options.failOn), { logger: warn });
  const sender = job.sender && new Pipeline(specFromObject(job.sender, { baseDir: out }), { logger: warn });
  // During start the signal ends everything. Later the sender ends first, and the pipeline takes what was sent.
  const starting = new AbortController();
  const endStart = (): void => starting.abort();
  if (signal.aborted) endStart();
  signal.addEventListener('abort', endStart, { once: true });
  await pipeline.start({ signal: starting.signal });
  const hide = options.json ? () => {} : showProgress(() => pipeline.progress(), output);
  const done = new AbortController();
  const enough = AbortSignal.any([signal, done.signal]);
  const timeIsUp = sleep((options.seconds ?? seconds(options)) * 1000, undefined, { signal: enough }).catch(() => undefined);
  let isSent = true;
  try {
    await sender?.start({ signal: starting.signal });
    signal.removeEventListener('abort', endStart);
    await Promise.race([pipeline.closed, timeIsUp, ...(sender ? [failed(sender.closed)] : [])]);
    if (sender) {
      const sent = await sender.stop({ drain: true });
      isSent = sent.ok;
      // The socket lingers: frames that the sender handed to it are still on their way.
      const until = performance.now() + ARRIVAL_MS;
      while (pipeline.progress().received < (sent.sinks.socket?.delivered ?? 0) && performance.now() < until && !signal.aborted)
        await Promise.race([sleep(20), pipeline.closed]);
      if (!sent.ok) output.err(`millrace: the simulated detector: ${sent.failures.map(({ message }) => message).join('; ')}`);
    }
    return { report: await pipeline.stop({ drain: true }), isSent };
  } catch (thrown) {
    // Nothing may keep the process alive; the first failure is the one to report.
    await Promise.allSettled([sender?.stop({ drain: false }), pipeline.stop({ drain: false })]);
    throw thrown;
  } finally {
    done.abort();
    hide();
    warn.close();
  }
}

const seconds = (options: DemoOptions): number =>
  options.input === undefined && options.frames === undefined ? SIMULATED_SECONDS : LONGEST_SECONDS;

/** Resolves only when a run failed: the end of a sender alone leaves the end to the pipeline. */
function failed(closed: Promise<Report>): Promise<void> {
  return new Promise((resolve) => {
    closed.then(
      ({ ok }) => {
        if (!ok) resolve();
      },
      () => resolve(),
    );
  });
}
