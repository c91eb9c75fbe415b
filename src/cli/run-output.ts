import type { Progress, Report } from '../observe/report.js';
import { jsonLine, type LogFormat, LogOutput, logFormatFor } from './log-output.js';
import type { Output } from './output.js';
import type { OutputOptions } from './output-options.js';
import { showProgress } from './progress.js';
import { headline, summary } from './summary.js';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Chooses the format of the lines on stderr. With `json`, lines of this command itself, such as errors, become objects
 * too.
 */
export function formatStderr(output: Output, { logFormat }: OutputOptions, env: Env = process.env): LogFormat {
  const format = logFormat ?? logFormatFor(output.isTty, env);
  if (format === 'json') output.formatErr = (line) => (line.startsWith('{') ? line : asJson(line));
  return format;
}

/** Output of a verb that runs a pipeline: messages and progress on stderr, the summary at the end. */
export class RunOutput {
  readonly log: LogOutput;
  readonly #output: Output;
  readonly #options: OutputOptions;
  readonly #isJson: boolean;

  constructor(output: Output, options: OutputOptions, env: Env = process.env) {
    const { silent, quiet } = options;
    const format = formatStderr(output, options, env);
    const level = options.logLevel ?? (silent ? 'error' : quiet ? 'warn' : 'info');
    this.#output = output;
    this.#options = options;
    this.#isJson = format === 'json';
    this.log = new LogOutput((line) => output.err(line), { level, format, ...(output.paint ? { paint: output.paint.err } : {}) });
  }

  /** Shows the progress until the returned function is called. */
  showProgress(read: () => Progress): () => void {
    const { json, quiet, silent, progress } = this.#options;
    if (silent || ((json || quiet) && progress === undefined)) return () => {};
    const log = this.#isJson
      ? (fields: object, message: string) => this.#output.err(jsonLine(new Date().toISOString(), 'info', fields, message))
      : undefined;
    return showProgress(read, this.#output, { seconds: progress, log });
  }

  /** With `toStderr`, the summary leaves stdout to a sink. */
  summarize(report: Report, toStderr: boolean): void {
    const { json, silent, wide } = this.#options;
    this.log.close();
    if (json || silent) return;
    const output = this.#output;
    if (this.#isJson) {
      const { ok, failures, remarks, balanced, sources, sinks } = report;
      const ledgers = Object.fromEntries(
        Object.entries(sources).map(([name, { ledger, verdict }]) => [name, { ...ledger, verdict: verdict.state }]),
      );
      const delivered = Object.fromEntries(Object.entries(sinks).map(([name, sink]) => [name, sink.delivered]));
      const fields = { ok, balanced, failures, remarks, sources: ledgers, delivered };
      output.err(jsonLine(new Date().toISOString(), ok ? 'info' : 'error', fields, headline(report)));
      return;
    }
    const say = toStderr ? output.err : output.out;
    const paint = toStderr ? output.paint?.err : output.paint?.out;
    for (const line of summary(report, { ...(wide ? {} : { columns: output.columns }), ...(paint ? { paint } : {}) })) say(line);
  }
}

function asJson(line: string): string {
  const message = line.replace(/^millrace: /, '');
  const [, code] = /\[(ERR_[A-Z_]+)\]$/.exec(message) ?? [];
  const level = code ? 'error' : /^warning: /.test(message) ? 'warn' : 'info';
  return jsonLine(new Date().toISOString(), level, code ? { code } : {}, message.replace(/^(warning|error): /, ''));
}
