import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { Pull } from 'zeromq';
import type { Report } from '../../src/observe/report.js';
import { freePort } from '../support/servers/server-process.js';
import { isFull, testSize } from '../support/test-size.js';

/** Two knobs: 600 s with a stall every 10 s in a soak. */
const SECONDS = testSize('MILLRACE_TEST_MEMORY_SECONDS', 6, 20);
const STALL_EVERY_S = Number(process.env.MILLRACE_TEST_STALL_EVERY ?? 3);
const STALL_S = STALL_EVERY_S / 3;
const IDLE_S = 3;
const SAMPLE_MS = 50;
const MIB = 2 ** 20;
const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

const SIDE = 1024;
const FRAME_BYTES = 2 * SIDE * SIDE;
const HIGH_WATER_MARK = 4;
/** What the socket has sent and the collector has not taken yet; the sink has it collected when there is more. */
const SENT_BYTES = 32 * MIB;

const folder = mkdtempSync(join(tmpdir(), 'millrace-memory-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function describePipeline(connect: string, rate: number | undefined): string {
  const file = join(folder, 'pipeline.yaml');
  const pipeline = {
    version: 1,
    sources: { s: { type: 'sim', pattern: 'noise', shape: [SIDE, SIDE], dtype: 'uint16', ...(rate && { rate }) } },
    stages: { correct: { from: 's', workers: 1, operators: [{ type: 'threshold', below: 1 }] } },
    sinks: { out: { type: 'zmq', from: 'correct', socket: 'push', connect, highWaterMark: HIGH_WATER_MARK } },
  };
  writeFileSync(file, JSON.stringify(pipeline));
  return file;
}

/** What the process holds in memory, shared pages included. */
function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  return Number(line![1]) * 1024;
}

interface Observed {
  readonly samples: readonly number[];
  readonly frames: number;
  readonly stalls: number;
  readonly report: Report;
}

/** Runs `millrace run` for so long, with a reader that now and then takes nothing. */
async function observe(seconds: number, rate?: number): Promise<Observed> {
  const pull = new Pull({ receiveHighWaterMark: 1, linger: 0 });
  const endpoint = `tcp://127.0.0.1:${await freePort()}`;
  await pull.bind(endpoint);
  const report = join(folder, 'report.json');
  const child: ChildProcess = spawn(process.execPath, [MAIN, 'run', describePipeline(endpoint, rate), '--quiet', '--report', report], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  let stalled = false;
  let frames = 0;
  let stalls = 0;
  const reading = (async () => {
    for await (const _ of pull) {
      frames++;
      while (stalled) await delay(10);
    }
  })();
  while (frames === 0 && child.exitCode === null) await delay(20);
  const samples: number[] = [];
  const start = performance.now();
  for (let elapsedS = 0; elapsedS < seconds && child.exitCode === null; elapsedS = (performance.now() - start) / 1000) {
    const stall: boolean = !rate && elapsedS % STALL_EVERY_S > STALL_EVERY_S - STALL_S;
    if (stall && !stalled) stalls++;
    stalled = stall;
    samples.push(residentBytes(child.pid!));
    await delay(SAMPLE_MS);
  }
  stalled = false;
  child.kill('SIGTERM');
  const [code] = (await ended) as [number | null];
  pull.close();
  await reading;
  expect(code).toBe(0);
  return { samples, frames, stalls, report: JSON.parse(readFileSync(report, 'utf8')) as Report };
}

it.skipIf(process.platform !== 'linux' || !isFull)(
  `${SECONDS} s at full rate with the sink stalled every ${STALL_EVERY_S} s: memory within its declared budget and 10 % (needs Linux's /proc)`,
  { timeout: (SECONDS + 120) * 1000 },
  async () => {
    const declared = JSON.parse(
      execFileSync(process.execPath, [MAIN, 'validate', describePipeline('tcp://127.0.0.1:9', 1), '--json'], { encoding: 'utf8' }),
    ) as { arenaBytes: number };
    const idle = await observe(IDLE_S, 1);
    const load = await observe(SECONDS);

    // The program with its threads and what the source has drawn, the arena whether it is used or not, what the socket may hold and what it has sent.
    const runtime = Math.max(...idle.samples);
    const socket = HIGH_WATER_MARK * FRAME_BYTES + SENT_BYTES;
    const budget = declared.arenaBytes + runtime + socket;
    const highest = Math.max(...load.samples);
    const half = Math.floor(load.samples.length / 2);
    const [early, late] = [Math.max(...load.samples.slice(0, half)), Math.max(...load.samples.slice(half))];
    const mib = (bytes: number): string => (bytes / MIB).toFixed(0);
    console.log(
      `${mib(highest)} MiB at most of ${mib(budget)} declared (arena ${mib(declared.arenaBytes)}, runtime ${mib(runtime)} from an idle run, socket ${mib(socket)}): ${((100 * highest) / budget).toFixed(0)} %; first half ${mib(early)}, second ${mib(late)}; ${load.frames} frames, ${load.stalls} stalls in ${SECONDS} s`,
    );
    expect(load.stalls).toBeGreaterThanOrEqual(Math.floor(SECONDS / STALL_EVERY_S));
    expect(load.frames).toBeGreaterThan(SECONDS * 10);
    expect(load.report).toMatchObject({ ok: true, balanced: true });
    expect(highest).toBeLessThanOrEqual(1.1 * budget);
    // What grows with time would show, even where the budget has room.
    expect(late).toBeLessThanOrEqual(1.1 * early);
  },
);
