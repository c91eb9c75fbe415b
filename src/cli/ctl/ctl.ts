import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isPrivateFolder } from '../../control/private-folder.js';
import { ERRORS, type ErrorCode, EXIT, MillraceError } from '../../errors/errors.js';
import type { CliContext } from '../context.js';
import { printable } from '../printable.js';
import { askRun } from './ask-run.js';
import { removeDeadRuns } from './remove-dead-runs.js';
import { runsFolder } from './runs-folder.js';
import { SOCKET_NAME } from './socket-name.js';

interface Run {
  readonly name: string;
  readonly pid: number;
  readonly state: string;
  readonly path: string;
}

const LIST_MS = 2000;

/** `millrace ctl list`. */
export async function listRuns(options: { json?: boolean }, { output }: CliContext): Promise<number> {
  const runs = await aliveRuns();
  if (options.json) output.out(JSON.stringify({ ok: true, runs }));
  else for (const run of runs) output.out(line(run));
  return EXIT.done;
}

/** Sends one request to a run and prints its answer. */
export async function control(run: string | undefined, request: object, options: { json?: boolean }, context: CliContext): Promise<number> {
  const rest = await ask(await socketOf(run), request, context.signal);
  if (options.json) context.output.out(JSON.stringify({ ok: true, ...rest }));
  else if (Object.keys(rest).length === 0) context.output.out('done');
  else
    for (const [key, value] of Object.entries(rest))
      context.output.out(`${key}: ${typeof value === 'string' ? printable(value) : JSON.stringify(value, undefined, 2)}`);
  return EXIT.done;
}

/** The contents of an answer; throws with the code of the answer when the run refused. */
export async function ask(path: string, request: object, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
  const { id: _, ok, error, ...rest } = await askRun(path, request, { signal });
  if (ok) return rest;
  const code = error && Object.hasOwn(ERRORS, error.code) ? (error.code as ErrorCode) : 'ERR_STATE';
  throw new MillraceError(code, error?.message ?? 'the run refused the request');
}

/**
 * The socket of the run that matches a name, pid, folder or path. ERR_CLOSED: no run matches; ERR_USAGE: several do.
 */
export async function socketOf(run: string | undefined): Promise<string> {
  if (run?.includes('/')) return (await stat(run).catch(() => undefined))?.isDirectory() ? join(run, SOCKET_NAME) : run;
  const runs = await aliveRuns();
  const fitting = run === undefined ? runs : runs.filter(({ name, pid }) => name === run || String(pid) === run);
  const [only] = fitting;
  if (only && fitting.length === 1) return only.path;
  const which = run === undefined ? 'running' : `named '${run}'`;
  if (fitting.length === 0) throw new MillraceError('ERR_CLOSED', `no run is ${which}`);
  throw new MillraceError('ERR_USAGE', `several runs are ${which}:\n${fitting.map(line).join('\n')}`);
}

/** Runs that answer; removes what killed runs left behind. */
async function aliveRuns(): Promise<Run[]> {
  // In a folder that another user created, that user could answer in place of our runs.
  if (!(await isPrivateFolder(runsFolder()).catch(() => false))) return [];
  await removeDeadRuns(runsFolder());
  const folders = await readdir(runsFolder()).catch(() => []);
  const found = await Promise.all(
    folders.map(async (folder) => {
      const path = join(runsFolder(), folder, SOCKET_NAME);
      const status = await askRun(path, { do: 'status' }, { timeoutMs: LIST_MS }).catch(() => undefined);
      if (!status?.ok) return [];
      return [{ name: String(status.name), pid: Number(status.pid), state: String(status.state), path }];
    }),
  );
  return found.flat();
}

const line = ({ name, pid, state, path }: Run): string => `${printable(name)}  ${pid}  ${state}  ${printable(path)}`;
