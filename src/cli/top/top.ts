import { EXIT, MillraceError } from '../../errors/errors.js';
import type { Report } from '../../observe/report.js';
import type { CliContext } from '../context.js';
import { askRun } from '../ctl/ask-run.js';
import { ask, socketOf } from '../ctl/ctl.js';
import { type Profile, receivedRate, runView, type Snapshot, type ViewLine } from './run-view.js';
import { processTerminal, type Terminal } from './terminal.js';

export interface TopOptions {
  /** Seconds between two updates. */
  readonly interval?: number;
  /** One snapshot, also on a terminal. */
  readonly once?: boolean;
  readonly json?: boolean;
}

const INTERVAL_S = 1;
const ANSWER_MS = 10_000;
const MAX_HISTORY = 500;
const MAX_PROFILES = 3;
/** For a snapshot that goes to a file or a pipe. */
const PLAIN_COLUMNS = 120;

const STYLES = { strong: '\u001b[1m', faint: '\u001b[2m', alarm: '\u001b[33m' } as const;

/** `millrace top [RUN]`: a live view of a run on the whole terminal until `q`; one snapshot without a terminal. */
export async function top(
  run: string | undefined,
  options: TopOptions,
  { output, signal }: CliContext,
  terminal: Terminal | undefined = processTerminal(),
): Promise<number> {
  const path = await socketOf(run);
  const first = await look(path, signal);
  if (options.json || options.once || !terminal) {
    if (options.json) output.out(JSON.stringify({ ok: true, status: first.status, queues: first.queues, report: first.report }));
    else
      for (const { text } of runView(first, undefined, { columns: PLAIN_COLUMNS, unicode: terminal?.unicode ?? false, history: [] }))
        output.out(text);
    return EXIT.done;
  }
  const last = await live(path, first, (options.interval ?? INTERVAL_S) * 1000, terminal, signal);
  if (last) output.out(`${last.status.name}: the run has ended`);
  return EXIT.done;
}

/** Runs until `q`, Ctrl-C, the signal, or the end of the run; resolves with the last snapshot. */
async function live(
  path: string,
  first: Snapshot,
  intervalMs: number,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Snapshot | undefined> {
  const history: number[] = [];
  let now = first;
  let before: Snapshot | undefined;
  const draw = (): void => {
    const { columns, rows, unicode } = terminal;
    const lines = runView(now, before, { columns, unicode, history }).slice(0, Math.max(1, rows - 1));
    terminal.write(`\u001b[H${[...lines, FOOT].map((line) => `${styled(line, terminal)}\u001b[K`).join('\r\n')}\u001b[J`);
  };
  const quit = new AbortController();
  const stop = AbortSignal.any([signal, quit.signal]);
  const close = terminal.open((key) => {
    if (key === 'q' || key === 'Q' || key === '\u0003') quit.abort();
  }, draw);
  try {
    for (;;) {
      draw();
      await pause(intervalMs, stop);
      if (stop.aborted) return undefined;
      const next = await look(path, stop, now);
      [before, now] = [now, next];
      history.push(receivedRate(now, before));
      if (history.length > MAX_HISTORY) history.shift();
    }
  } catch (thrown) {
    if (stop.aborted) return undefined;
    if (thrown instanceof MillraceError && (thrown.code === 'ERR_CLOSED' || thrown.code === 'ERR_STATE')) return now;
    throw thrown;
  } finally {
    close();
  }
}

const FOOT: ViewLine = { text: 'q quits', style: 'faint' };

function styled({ text, style }: ViewLine, { color }: Terminal): string {
  return style && color && text ? `${STYLES[style]}${text}\u001b[0m` : text;
}

async function look(path: string, signal: AbortSignal, before?: Snapshot): Promise<Snapshot> {
  const request = (what: string): Promise<Readonly<Record<string, unknown>>> => ask(path, { do: what }, signal);
  const status = (await request('status')) as unknown as Snapshot['status'];
  const { report } = (await request('report')) as { readonly report: Report };
  // Runs of earlier versions do not have this request.
  const { queues } = await askRun(path, { do: 'queues' }, { signal, timeoutMs: ANSWER_MS });
  const profiles = await profilesOf(path, signal, report, before);
  return { status, report, profiles, queues: Array.isArray(queues) ? queues : undefined, atMs: performance.now() };
}

/** Profiles of the first sinks that took frames since the last update. Other sinks keep their previous profile. */
async function profilesOf(path: string, signal: AbortSignal, report: Report, before?: Snapshot): Promise<Snapshot['profiles']> {
  const sinks = Object.keys(report.sinks).slice(0, MAX_PROFILES);
  const found = await Promise.all(
    sinks.map(async (sink) => {
      const known = before && Object.hasOwn(before.profiles, sink) ? before.profiles[sink] : undefined;
      if (before && before.report.sinks[sink]?.delivered === report.sinks[sink]!.delivered) return [sink, known] as const;
      const { profile } = await askRun(path, { do: 'profile', sink }, { signal, timeoutMs: ANSWER_MS });
      return [sink, (profile as Profile | null | undefined) ?? known] as const;
    }),
  );
  return Object.fromEntries(found.filter((entry): entry is readonly [string, Profile] => entry[1] !== undefined));
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
