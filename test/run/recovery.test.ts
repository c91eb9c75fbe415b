import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { checkCounter } from '../../src/ingress/sim/counter.js';
import { seeded } from '../support/arena.js';
import { accounted, operatorPath, Pipeline, recordingLogger, runPipeline, specFromObject } from '../support/run-pipeline.js';
import { itFull, sized, testSize } from '../support/test-size.js';

/** One knob: 300 in a soak. */
const KILLS = testSize('MILLRACE_TEST_KILLS', 6, 40);
const ROUNDS = testSize('MILLRACE_TEST_ROUNDS', 2, 10);
const SEED = Number(process.env.MILLRACE_TEST_SEED ?? 20_261_124);
const WORKERS = 2;
/** Steps that a worker's thread comes to. */
const STEPS = [1, 2, 3, 10, 11, 12, 13, 15, 16, 17, 20, 21, 22, 24, 25, 26, 40, 41, 42, 43, 50, 51, 52, 63, 64, 65, 66, 70, 71, 72, 73, 74];
const STARTS = [0, 0x7f_ff_fc_00 | 0, 0xff_ff_fc_00 | 0];
const FRAMES = 1_000_000; // more than come: the source is stopped when enough have died

const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((all, n) => all + n, 0);

describe(`workers that die, ${KILLS} a run, seed ${SEED}`, () => {
  const edges = { block: {}, ...sized({}, { 'drop-newest': {}, 'drop-oldest': {}, latest: {}, sample: { sample: 3 } }) };
  for (const [i, [policy, overflow]] of Object.entries(edges).entries()) {
    it(`${policy}: balanced, nothing twice, nothing corrupt, in order, through three branches`, { timeout: 600_000 }, async () => {
      const hits = new SharedArrayBuffer(4 * 128);
      const startOrdinal = STARTS[i % STARTS.length]!;
      const { logger, lines } = recordingLogger();
      const edge = policy === 'block' ? {} : { overflow: policy === 'sample' ? overflow : policy, capacity: 4 };
      const pipeline = new Pipeline(
        specFromObject({
          version: 1,
          failOn: 'none',
          sources: { s: { type: 'sim', pattern: 'counter', shape: [1, 24], dtype: 'uint16', frames: FRAMES, rate: 4000 } },
          stages: { work: { from: 's', workers: WORKERS, attempts: 100, ...edge, operators: [{ type: operatorPath('copy') }] } },
          sinks: {
            read: { type: 'iterate', from: 'work' },
            checked: { type: 'null', from: 'work', checksum: true, ...edge },
            any: { type: 'null', from: 'work', checksum: true, order: 'none' },
          },
        }),
        {
          logger,
          startOrdinal,
          fault: { file: 'ring.fault.wasm', hits, seed: SEED + i, workers: KILLS / 2 + WORKERS, steps: STEPS, within: 40 },
        },
      );
      await pipeline.start();
      const read = (async () => {
        let last: number | undefined;
        let count = 0;
        for await (const { ordinal, bytes } of pipeline.sink('read')) {
          if (last !== undefined && ((ordinal - last) | 0) <= 0) throw new Error(`ordinal ${ordinal} came after ${last}`);
          if (!checkCounter(bytes).intact) throw new Error(`frame ${ordinal} is corrupt`);
          last = ordinal;
          count++;
        }
        return count;
      })();
      const random = seeded(SEED + i);
      const restarts = (): number => pipeline.report().stages.work!.restarts;
      let terminated = 0;
      // Who is armed with a step that it does not come to is terminated in its turn.
      let over = false;
      void pipeline.closed.then(() => {
        over = true;
      });
      while (restarts() < KILLS && !over) {
        await delay(40 + random(60));
        if (pipeline.terminateWorker('work', random(WORKERS))) terminated++;
      }
      const report = await pipeline.stop();
      const { ledger } = report.sources.s!;
      const words = new Int32Array(hits);
      const injected = STEPS.map((step) => [step, words[step]!] as const).filter(([, n]) => n > 0);
      const stage = report.stages.work!;
      console.log(
        `${policy}: ${stage.restarts} deaths (${terminated} terminated, ${injected.reduce((all, [, n]) => all + n, 0)} at steps ${injected.map(([step]) => step).join(' ')}), ${stage.redispatched} frames done again, ${ledger.received} received`,
      );
      expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
      expect(report).toMatchObject({ ok: true, balanced: true });
      expect(stage.restarts).toBeGreaterThanOrEqual(KILLS);
      expect(injected.length).toBeGreaterThan(0);
      expect(terminated).toBeGreaterThan(0);
      expect(ledger).toMatchObject({ inFlight: 0, dead: {} });
      expect(accounted(ledger)).toBe(ledger.received);
      if (policy === 'block') expect(ledger.delivered).toBe(ledger.received);
      expect(await read).toBe(report.sinks.read!.delivered);
      expect(report.sinks.checked!.refused + report.sinks.any!.refused).toBe(0);
    });
  }
});

describe('a worker that dies of its operator', () => {
  const source = { type: 'sim', pattern: 'counter', shape: [1, 24], dtype: 'uint16', frames: 400 * ROUNDS, rate: 4000 };

  for (const kind of sized(['exit', 'loop'], ['exit', 'uncaught', 'loop'])) {
    it(`${kind}: is replaced, and what it held is done again`, { timeout: 300_000 }, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'millrace-deaths-'));
      try {
        const { report, lines } = await runPipeline({
          sources: { s: source },
          stages: {
            work: {
              from: 's',
              workers: WORKERS,
              stallMs: 300,
              operators: [{ type: operatorPath('deaths'), kind, every: 400, at: 200, folder }],
            },
            check: { from: 'work', attempts: 1, operators: [{ type: operatorPath('rising'), dense: true, numbers: true }] },
          },
          sinks: { out: { type: 'null', from: 'check', checksum: true } },
        });
        expect(readdirSync(folder)).toHaveLength(ROUNDS);
        expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
        expect(report).toMatchObject({ ok: true, balanced: true });
        expect(report.sources.s!.ledger).toMatchObject({ received: 400 * ROUNDS, delivered: 400 * ROUNDS, dead: {}, inFlight: 0 });
        // What nobody catches ends the worker at its next turn, and then perhaps for two frames at once.
        if (kind === 'uncaught') expect(report.stages.work!.restarts).toBeGreaterThan(ROUNDS / 2);
        else expect(report.stages.work!.restarts).toBe(ROUNDS);
        if (kind !== 'uncaught') expect(report.stages.work!.redispatched).toBeGreaterThanOrEqual(ROUNDS);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }

  it('dies between three outputs: none comes twice, none is missing', { timeout: 600_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-deaths-'));
    const deaths = Number(process.env.MILLRACE_TEST_OUTPUT_DEATHS ?? 5 * ROUNDS);
    try {
      const { logger, lines } = recordingLogger();
      const pipeline = new Pipeline(
        specFromObject({
          version: 1,
          failOn: 'none',
          sources: { s: { ...source, frames: 20 * deaths, rate: 2000 } },
          stages: {
            work: { from: 's', workers: WORKERS, attempts: 100, operators: [{ type: operatorPath('thrice'), every: 20, folder }] },
          },
          sinks: { out: { type: 'iterate', from: 'work' } },
        }),
        { logger },
      );
      await pipeline.start();
      const read: string[] = [];
      for await (const { ordinal, meta } of pipeline.sink('out')) read.push(`${ordinal}.${meta.part}`);
      const report = await pipeline.closed;
      expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
      expect(report).toMatchObject({ ok: true, balanced: true });
      expect(report.stages.work!.restarts).toBe(deaths);
      expect(read).toEqual(Array.from({ length: 60 * deaths }, (_, i) => `${Math.floor(i / 3)}.${i % 3}`));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  itFull('heap: is replaced, and what it held is done again', { timeout: 300_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-deaths-'));
    try {
      const file = fileURLToPath(new URL('../support/die-of-heap.mjs', import.meta.url));
      const { stdout, stderr, status } = spawnSync(
        process.execPath,
        ['--max-old-space-size=128', file, folder, String(Math.min(ROUNDS, 10))],
        {
          encoding: 'utf8',
        },
      );
      expect(status, stderr).toBe(0);
      const report = JSON.parse(stdout);
      const frames = 400 * Math.min(ROUNDS, 10);
      expect(report.sources.s.ledger).toMatchObject({ received: frames, delivered: frames, dead: {}, inFlight: 0 });
      expect(report.stages.work.restarts).toBe(Math.min(ROUNDS, 10));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('is given up with its frame after so many attempts: dead, named, and the run goes on', { timeout: 60_000 }, async () => {
    const { report, lines } = await runPipeline({
      sources: { s: { ...source, frames: 1000 } },
      stages: {
        bad: {
          from: 's',
          workers: WORKERS,
          attempts: 2,
          operators: [{ type: operatorPath('faults'), kind: 'exit', every: 1000, at: 500 }],
        },
      },
      sinks: { out: { type: 'null', from: 'bad', checksum: true } },
    });
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(report.sources.s!.ledger).toMatchObject({ received: 1000, delivered: 999, dead: { 'worker-lost': 1 } });
    expect(report.stages.bad).toMatchObject({ restarts: 2, redispatched: 1, lost: 1 });
    expect(lines.filter(({ level }) => level === 'error')).toMatchObject([{ fields: { source: 's', ordinal: 500, attempts: 2 } }]);
  });

  it('takes its partial result along: what that held is dead, not merged', { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-deaths-'));
    try {
      const { report } = await runPipeline({
        sources: { s: { ...source, frames: 1000 } },
        stages: {
          work: {
            from: 's',
            operators: [
              { type: operatorPath('deaths'), kind: 'exit', every: 1000, at: 505, folder },
              { type: 'accumulate', frames: 10, shape: [1, 24] },
            ],
          },
        },
        sinks: { out: { type: 'null', from: 'work' } },
      });
      const { ledger } = report.sources.s!;
      expect(report.balanced).toBe(true);
      expect(ledger.dead).toEqual({ 'partial-lost': 5 });
      expect(ledger.delivered).toBe(99);
      expect(ledger.merged + sum(ledger.dead) + ledger.delivered).toBe(1000);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the thread of a source or sink that dies', () => {
  itFull('starts anew where it was: every frame is received once, and delivered once or more', { timeout: 120_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-threads-'));
    const frames = 1000 * ROUNDS;
    const random = seeded(SEED);
    let deaths = 0;
    let isOver = false;
    try {
      const { report, lines } = await runPipeline(
        {
          sources: { s: { type: 'sim', pattern: 'counter', shape: [1, 24], dtype: 'uint16', frames, rate: 2000 } },
          stages: { work: { from: 's', workers: WORKERS, attempts: 100, operators: [{ type: operatorPath('copy') }] } },
          sinks: {
            rows: { type: 'file', from: 'work', path: `${folder}/rows.ndjson`, roll: { frames: 100 } },
            checked: { type: 'null', from: 'work', checksum: true },
          },
        },
        {},
        (pipeline) => {
          void pipeline.closed.then(() => {
            isOver = true;
          });
          void (async () => {
            while (!isOver) {
              await delay(150 + random(150));
              if (!isOver && pipeline.terminateThread(['s', 'rows', 'checked'][deaths % 3]!)) deaths++;
            }
          })();
        },
      );
      expect(deaths).toBeGreaterThan(ROUNDS);
      expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
      expect(report).toMatchObject({ ok: true, balanced: true });
      expect(report.sources.s!.ledger).toMatchObject({ received: frames, delivered: frames, dead: {}, inFlight: 0 });
      expect(report.sources.s!.verdict.state).toBe('unverifiable');
      expect(report.sinks.checked!.refused).toBe(0);
      const rows = readdirSync(folder)
        .filter((name) => name.endsWith('.ndjson'))
        .flatMap((name) => readFileSync(join(folder, name), 'utf8').trim().split('\n'))
        .map((line) => JSON.parse(line) as { ordinal: number });
      expect(new Set(rows.map(({ ordinal }) => ordinal)).size).toBe(frames);
      expect(rows.length - frames).toBeLessThanOrEqual(report.sinks.rows!.redelivered);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('ends the run where its type cannot start anew', async () => {
    const { report } = await runPipeline(
      { sources: { s: { type: 'sim', shape: [8, 8], series: 10, frames: 1e6, rate: 100 } }, sinks: { out: { type: 'null', from: 's' } } },
      {},
      (pipeline) => pipeline.terminateThread('s'),
    );
    expect(report).toMatchObject({ ok: false, balanced: true, error: { code: 'ERR_SOURCE' } });
  });
});
