import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CounterPattern, checkCounter } from '../../../src/ingress/sim/counter.js';
import type { OutcomeName } from '../../../src/observe/outcome.js';
import type { Report } from '../../../src/observe/report.js';
import { type LogLine, Pipeline, recordingLogger, specFromObject } from '../run-pipeline.js';
import { describeCase, type Resolved, resolveCase } from './describe-case.js';
import type { RandomCase } from './random-case.js';

/** What a sink got, as the sink itself shows it: a frame by its number and checksum, or a result by the numbers in it. */
export interface Row {
  readonly source: string;
  readonly ordinal: number;
  readonly intact: boolean;
  /** Numbers, each as often as it is in; one for a frame. */
  readonly numbers: readonly number[];
  readonly merged: boolean;
  /** How many frames are in it, as the result itself says. */
  readonly frames: number;
}

export interface CaseRun {
  readonly resolved: Resolved;
  readonly report: Report;
  readonly rows: Readonly<Record<string, readonly Row[]>>;
  /** By source and ordinal. */
  readonly outcomes: Readonly<Record<string, readonly (OutcomeName | undefined)[]>>;
  readonly damage: readonly string[];
  readonly lines: readonly LogLine[];
  /** Threads that were there to be ended. */
  readonly killed: number;
  /** The kinds of nodes of which a thread was ended. */
  readonly ended: ReadonlySet<string>;
}

/** A run that does not come to its end: what the arena looked like then. */
export class Hang extends Error {}

type Running = InstanceType<typeof Pipeline>;

const SHAPE = [1, 32];

type Meta = Readonly<Record<string, unknown>>;

function rowOf(source: string, ordinal: number, dtype: string, bytes: Uint8Array, meta: Meta): Row {
  if (dtype !== 'uint16') {
    const { number, intact } = checkCounter(bytes);
    return { source, ordinal, intact: intact && bytes.length === 32, numbers: [number], merged: false, frames: 1 };
  }
  const counts = new Uint16Array(bytes.slice().buffer);
  const numbers: number[] = [];
  for (const [number, count] of counts.entries()) for (let i = 0; i < count; i++) numbers.push(number);
  const { frames = 0 } = (meta.aggregate ?? {}) as { frames?: number };
  return { source, ordinal, intact: counts.length === 4096, numbers, merged: true, frames };
}

async function push(pipeline: Running, name: string, frames: number): Promise<void> {
  const pattern = new CounterPattern({ seed: 7 } as ConstructorParameters<typeof CounterPattern>[0]);
  const source = pipeline.source(name);
  for (let number = 0; number < frames; number++) {
    const data = new Uint8Array(32);
    pattern.fill(number, data);
    await source.push({ data, shape: SHAPE, sequence: number, meta: { key: number % 5 } });
  }
  source.end();
}

async function read(pipeline: Running, name: string, delayMs: number, most: number, rows: Row[]): Promise<void> {
  for await (const { source, ordinal, dtype, bytes, meta } of pipeline.sink(name)) {
    rows.push(rowOf(source, ordinal, dtype, bytes, meta));
    if (rows.length >= most) break;
    if (delayMs > 0) await delay(delayMs);
  }
}

/** A thread that takes the place of one that died writes a file of its own, and what was given up is in one that is not finished. */
function readFiles(folder: string, sink: string): Row[] {
  const files = readdirSync(folder).filter((name) => name.includes(sink));
  const items = files.flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1));
  return items.map((line) => {
    const parsed = JSON.parse(line) as { source: string; ordinal: number; dtype: string; data: number[][]; meta: Meta };
    const { source, ordinal, dtype, data, meta } = parsed;
    const flat = data.flat(2);
    const bytes = dtype === 'uint16' ? new Uint8Array(Uint16Array.from(flat).buffer) : Uint8Array.from(flat);
    return rowOf(source, ordinal, dtype, bytes, meta);
  });
}

/** Runs a case to its end. Throws `Hang` where that does not come, and what `start` throws of a pipeline that is refused. */
export async function runCase(random: RandomCase, limitMs: number): Promise<CaseRun> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-random-'));
  const { logger, lines } = recordingLogger();
  const resolved = resolveCase(random);
  const pipeline = new Pipeline(specFromObject(describeCase(random, folder)), { logger, guards: true, poison: true });
  const over = new AbortController();
  let limit: NodeJS.Timeout | undefined;
  try {
    await pipeline.start();
    const hang = new Promise<never>((_, reject) => {
      limit = setTimeout(() => {
        const last = lines.slice(-10).map(({ message }) => message);
        reject(new Hang(`no end after ${limitMs} ms:\n${pipeline.arenaState().join('\n')}\nlast lines of the log:\n${last.join('\n')}`));
      }, limitMs);
    });
    hang.catch(() => {});
    const rows: Record<string, Row[]> = Object.fromEntries(resolved.sinks.map(({ name }) => [name, []]));
    const iterates = resolved.sinks.filter(({ is }) => is.kind === 'iterate');
    const reading = iterates.map(({ name, is }, i) => {
      const most = random.end.kind === 'reader-leaves' && i === 0 ? random.end.after : Number.POSITIVE_INFINITY;
      return read(pipeline, name, is.delayMs, most, rows[name]!);
    });
    for (const { name, is } of resolved.sources) if (is.kind === 'push') push(pipeline, name, is.frames).catch(() => {}); // stopped before
    const ended = new Set<string>();
    const acting = act(pipeline, random, resolved, over.signal, ended);
    const report = await Promise.race([pipeline.closed, hang]);
    over.abort();
    await acting;
    await Promise.race([Promise.all(reading), hang]);
    for (const { name, is } of resolved.sinks) if (is.kind === 'file') rows[name] = readFiles(folder, name);
    const outcomes = Object.fromEntries(resolved.sources.map(({ name, is }) => [name, pipeline.outcomes(name, is.frames)]));
    return { resolved, report, rows, outcomes, damage: pipeline.guardDamage(), lines, killed: ended.size, ended };
  } finally {
    clearTimeout(limit);
    over.abort();
    void pipeline.abort();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Ends threads and the run at their times. */
async function act(pipeline: Running, random: RandomCase, resolved: Resolved, signal: AbortSignal, ended: Set<string>): Promise<void> {
  const { end, kills } = random;
  const acts: { readonly atMs: number; run(): void }[] = kills.map(({ atMs, node, which }) => ({
    atMs,
    run: () => {
      if (kill(pipeline, resolved, node, which)) ended.add(node);
    },
  }));
  if (end.kind === 'stop' || end.kind === 'deadline') acts.push({ atMs: end.atMs, run: () => void pipeline.stop() });
  if (end.kind === 'abort') acts.push({ atMs: end.atMs, run: () => void pipeline.abort() });
  if (end.kind === 'sink-failure') {
    const victim = resolved.sinks.find(({ is }) => is.kind === 'iterate');
    if (victim) acts.push({ atMs: end.atMs, run: () => void pipeline.terminateThread(victim.name) });
  }
  const start = performance.now();
  for (const { atMs, run } of acts.sort((a, b) => a.atMs - b.atMs)) {
    await delay(Math.max(0, start + atMs - performance.now()), undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    run();
  }
}

/** Those whose death the run survives: not where a series has begun, nor push and iterate. */
function kill(pipeline: Running, { sources, stages, sinks }: Resolved, node: 'source' | 'worker' | 'sink', which: number): boolean {
  if (node === 'worker') {
    const stage = stages[which % Math.max(1, stages.length)];
    return stage !== undefined && pipeline.terminateWorker(stage.name, which % stage.is.workers);
  }
  const mortal =
    node === 'source' ? sources.filter(({ is }) => is.kind === 'sim' && is.series === 0) : sinks.filter(({ is }) => is.kind !== 'iterate');
  const victim = mortal[which % Math.max(1, mortal.length)];
  return victim !== undefined && pipeline.terminateThread(victim.name);
}
