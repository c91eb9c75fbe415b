import { EXIT, MillraceError } from '../errors/errors.js';
import { redact } from '../errors/secrets.js';
import { ConfigError, type ConfigIssue, formatIssue } from '../spec/config-error.js';
import { type Paint, paintFor } from './colour.js';

/** Where a verb writes. Tests provide their own. */
export interface Output {
  /** Writes a line of results; the line end is added. */
  out(line: string): void;
  /** Writes a line of errors or progress; the line end is added. */
  err(line: string): void;
  /** For a line that is overwritten: only on a terminal. */
  raw(text: string): void;
  /** Whether stderr is a terminal, where a line can be overwritten. */
  readonly isTty: boolean;
  readonly columns: number;
  /** Colours of stdout and stderr; absent: no colours. */
  readonly paint?: { readonly out: Paint; readonly err: Paint };
  /** Converts each line for stderr; set by a verb that logs JSON. */
  formatErr?: (line: string) => string;
}

/** The output of this process. */
export function processOutput(): Output {
  const { env } = process;
  const output: Output = {
    out: (line) => void process.stdout.write(`${line}\n`),
    err: (line) => void process.stderr.write(`${output.formatErr?.(line) ?? line}\n`),
    raw: (text) => void process.stderr.write(text),
    isTty: process.stderr.isTTY === true && env.TERM !== 'dumb',
    // The width of a terminal can change.
    get columns() {
      return process.stderr.columns || process.stdout.columns || 80;
    },
    paint: { out: paintFor(process.stdout.isTTY === true, env), err: paintFor(process.stderr.isTTY === true, env) },
  };
  return output;
}

/**
 * Prints an error, one line per issue, as `millrace: FILE:LINE:COL: message [CODE]`; with `json`, as one JSON object on
 * stdout. Returns the exit code.
 */
export function reportError(thrown: unknown, output: Output, json: boolean): number {
  const issues = issuesOf(thrown);
  if (json) output.out(JSON.stringify({ ok: false, errors: issues }));
  else for (const issue of issues) for (const line of formatIssue(issue).split('\n')) output.err(`millrace: ${line}`);
  return thrown instanceof MillraceError ? thrown.exitCode : EXIT.failed;
}

type ReportedIssue = Omit<ConfigIssue, 'code'> & { readonly code: string };

function issuesOf(thrown: unknown): readonly ReportedIssue[] {
  if (thrown instanceof ConfigError) return thrown.errors;
  if (thrown instanceof MillraceError) return [{ code: thrown.code, message: thrown.message, place: thrown.place ?? {} }];
  // A bug of ours: the stack helps most.
  const text = redact(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown));
  return [{ code: 'ERR_INTERNAL', message: text, place: {} }];
}
