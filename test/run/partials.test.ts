import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';

import { seeded } from '../support/arena.js';
import { blocks, type Read, readIterates } from '../support/read-iterates.js';
import { accounted, operatorPath, runPipeline } from '../support/run-pipeline.js';
import { itFull, sized } from '../support/test-size.js';

const SEED = Number(process.env.MILLRACE_TEST_SEED ?? 20_261_124);
const SHAPE = [4, 6];
const PIXELS = 24;
const sim = { type: 'sim', pattern: 'noise', shape: SHAPE, dtype: 'uint16', pool: 0, seed: 5 };

/** Mean and sample variance by two passes over what came: no kernel of ours. */
function statistics(frames: readonly Read[]): number[] {
  const mean = Array.from({ length: PIXELS }, (_, p) => frames.reduce((sum, { data }) => sum + data[p]!, 0) / frames.length);
  const variance = mean.map((m, p) => frames.reduce((sum, { data }) => sum + (data[p]! - m) ** 2, 0) / (frames.length - 1));
  return [...mean, ...variance];
}

const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((all, n) => all + n, 0);

describe('partials of several workers', () => {
  for (const workers of sized([3], [1, 2, 3, 4])) {
    it(`${workers}: merged, are count, mean and variance of each series`, { timeout: 60_000 }, async () => {
      const { report, read } = await readIterates({
        sources: { s: { ...sim, frames: 430, series: 100 } },
        stages: {
          mean: { from: 's', workers, operators: [{ type: 'accumulate' }] },
          sum: { from: 's', workers, operators: [{ type: operatorPath('sum-and-count') }] },
        },
        sinks: {
          raw: { type: 'iterate', from: 's' },
          means: { type: 'iterate', from: 'mean' },
          sums: { type: 'iterate', from: 'sum' },
        },
      } as never);
      expect(report).toMatchObject({ ok: true, balanced: true });
      const series = blocks(read.raw!, 100);
      expect(read.means!.map(({ meta }) => meta.frames)).toEqual([100, 100, 100, 100, 30]);
      for (const [i, frames] of series.entries()) {
        // Both round at most a few units of 2^-53 a step, relative to values below 2^16: 1e-9 is far above that for 100 frames.
        for (const [j, value] of statistics(frames).entries())
          expect(Math.abs(read.means![i]!.data[j]! - value)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(value)));
        const total = frames.reduce((all, { data }) => all + data.reduce((a, b) => a + b, 0), 0);
        expect([...read.sums![i]!.data]).toEqual([total, frames.length]);
      }
      expect(report.sources.s!.ledger).toMatchObject({ received: 430, inFlight: 0, dead: {} });
    });
  }

  it('are one for a source without series, and what a stage before hands on at the end is in it', { timeout: 60_000 }, async () => {
    const { report, read } = await readIterates({
      sources: { s: { ...sim, frames: 95 } },
      stages: {
        tens: { from: 's', operators: [{ type: 'accumulate', frames: 10 }] },
        sum: { from: 'tens', workers: 3, operators: [{ type: operatorPath('sum-and-count') }] },
      },
      sinks: { means: { type: 'iterate', from: 'tens' }, sums: { type: 'iterate', from: 'sum' } },
    } as never);
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(read.sums).toHaveLength(1);
    expect(read.means).toHaveLength(10);
    expect(read.sums![0]!.data[1]).toBe(10);
  });

  it('of a series without a frame that reaches them emit nothing', { timeout: 60_000 }, async () => {
    const { report } = await runPipeline({
      sources: { s: { ...sim, frames: 60, series: 20 } },
      stages: {
        gone: { from: 's', operators: [{ type: 'veto', min: 0, action: 'drop' }] },
        mean: { from: 'gone', workers: 3, operators: [{ type: 'accumulate', shape: SHAPE }] },
      },
      sinks: { out: { type: 'null', from: 'mean' } },
    });
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(report.sinks.out!.delivered).toBe(0);
    expect(report.sources.s!.ledger).toMatchObject({ received: 60, filtered: 60, merged: 0 });
  });

  it('behind an asynchronous operator of their own stage take one frame after the other, each once', { timeout: 60_000 }, async () => {
    const { report, read } = await readIterates({
      sources: { s: { ...sim, frames: 130, series: 50 } },
      stages: {
        sum: { from: 's', workers: 3, operators: [{ type: operatorPath('slow-async'), ms: 3 }, { type: operatorPath('sum-and-count') }] },
        mean: {
          from: 's',
          workers: 2,
          deterministic: true,
          operators: [
            { type: operatorPath('slow-async'), ms: 3 },
            { type: 'accumulate', shape: SHAPE },
          ],
        },
      },
      sinks: { raw: { type: 'iterate', from: 's' }, sums: { type: 'iterate', from: 'sum' }, means: { type: 'iterate', from: 'mean' } },
    } as never);
    expect(report).toMatchObject({ ok: true, balanced: true });
    for (const [i, frames] of blocks(read.raw!, 50).entries()) {
      const total = frames.reduce((all, { data }) => all + data.reduce((a, b) => a + b, 0), 0);
      expect([...read.sums![i]!.data]).toEqual([total, frames.length]);
      for (const [j, value] of statistics(frames).entries())
        expect(Math.abs(read.means![i]!.data[j]! - value)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(value)));
    }
    expect(report.sources.s!.ledger).toMatchObject({ received: 130, inFlight: 0, dead: {} });
  });

  it('are refused for two operators in a stage, for frames of a source by two ways, and where a deterministic stage has none', async () => {
    const refused = async (stages: object): Promise<unknown> => {
      const from = Object.keys(stages).at(-1);
      return runPipeline({ sources: { a: { ...sim, frames: 1 } }, stages, sinks: { out: { type: 'null', from, order: 'none' } } }).catch(
        (e: unknown) => e,
      );
    };
    const promise = (text: RegExp) => ({ code: 'ERR_CONFIG_PROMISE', message: expect.stringMatching(text) });
    const way = { from: 'a', operators: [{ type: 'threshold', above: 1, put: 0 }] };
    expect(await refused({ p: way, q: way, x: { from: ['p', 'q'], order: 'none', operators: [{ type: 'accumulate' }] } })).toMatchObject(
      promise(/by one way only, not by 2/),
    );
    const both = [{ type: 'accumulate' }, { type: operatorPath('sum-and-count') }];
    expect(await refused({ x: { from: 'a', operators: both } })).toMatchObject(promise(/must be the only one/));
    expect(await refused({ x: { from: 'a', deterministic: true, operators: [] } })).toMatchObject(promise(/none of its operators/));
  });
});

describe('a deterministic stage', () => {
  /** As docs/reference/pipeline.md defines it: shards by ordinal, Welford in order, then Chan et al. in the order of the shards. */
  function fold(frames: readonly Read[], shards: number): { mean: Float64Array; m2: Float64Array; n: number } {
    const parts = Array.from({ length: shards }, () => ({ n: 0, mean: new Float64Array(PIXELS), m2: new Float64Array(PIXELS) }));
    for (const { ordinal, data } of frames) {
      const part = parts[ordinal % shards]!;
      part.n++;
      for (let p = 0; p < PIXELS; p++) {
        const x = data[p]!;
        const old = part.mean[p]!;
        part.mean[p] = part.n === 1 ? x : old + (x - old) / part.n;
        part.m2[p] = part.n === 1 ? 0 : part.m2[p]! + (x - old) * (x - part.mean[p]!);
      }
    }
    const [first, ...others] = parts.filter(({ n }) => n > 0);
    const all = first!;
    for (const part of others) {
      const n = all.n + part.n;
      for (let p = 0; p < PIXELS; p++) {
        const d = part.mean[p]! - all.mean[p]!;
        all.m2[p] = all.m2[p]! + part.m2[p]! + d * d * (all.n * (part.n / n));
        all.mean[p] = all.mean[p]! + d * (part.n / n);
      }
      all.n = n;
    }
    return all;
  }

  for (const shards of sized([3], [8, 3])) {
    it(`gives the same bits by 1 to 4 workers and in each run, those of its definition (${shards} shards)`, {
      timeout: 120_000,
    }, async () => {
      for (const workers of sized([1, 3], [1, 2, 3, 4, 4])) {
        const { report, read } = await readIterates({
          sources: { s: { ...sim, dtype: 'float32', frames: 230, series: 90 } },
          stages: { mean: { from: 's', workers, deterministic: true, shards, operators: [{ type: 'accumulate' }] } },
          sinks: { raw: { type: 'iterate', from: 's' }, means: { type: 'iterate', from: 'mean' } },
        } as never);
        expect(report).toMatchObject({ ok: true, balanced: true });
        expect(read.means).toHaveLength(3);
        for (const [i, frames] of blocks(read.raw!, 90).entries()) {
          const { mean, m2, n } = fold(frames, shards);
          expect(n).toBe(frames.length);
          expect(read.means![i]!.data).toEqual(Float64Array.from([...mean, ...m2.map((value) => value / (n - 1))]));
        }
      }
    });
  }
});

describe(`a worker that dies with a partial, seed ${SEED}`, () => {
  const counted = (read: readonly Read[]): number[] => {
    const seen = Array.from(read[0]!.data, () => 0);
    for (const { data } of read) for (const [i, n] of data.entries()) seen[i]! += n;
    return seen;
  };

  for (const stage of [
    { workers: 3 },
    ...sized(
      [],
      [
        { workers: 3, deterministic: true },
        { workers: 2, key: { ordinal: 5 } },
      ],
    ),
  ]) {
    it(`${JSON.stringify(stage)}: what comes into no result is partial-lost, exactly, and nothing comes twice`, {
      timeout: 120_000,
    }, async () => {
      const random = seeded(SEED);
      const frames = sized(1500, 5000);
      const { report, read, errors } = await readIterates(
        {
          failOn: 'none',
          sources: { s: { ...sim, frames, series: 100, rate: 2500 } },
          stages: {
            work: { from: 's', attempts: 100, ...stage, operators: [{ type: operatorPath('which'), frames: 2 * frames, spinUs: 700 }] },
          },
          sinks: { out: { type: 'iterate', from: 'work' } },
        } as never,
        async (pipeline) => {
          let isOver = false;
          void pipeline.closed.then(() => {
            isOver = true;
          });
          void (async () => {
            // On a busy machine a worker may wait at each of its deaths; one of them must lose something.
            const isEnough = (): boolean => {
              const { stages, sources } = pipeline.report();
              return stages.work!.restarts >= sized(4, 12) && (sources.s!.ledger.dead['partial-lost'] ?? 0) > 0;
            };
            while (!isOver && !isEnough()) {
              await delay(30 + random(60));
              if (!isOver) pipeline.terminateWorker('work', random(stage.workers));
            }
          })();
        },
      );
      const { ledger } = report.sources.s!;
      const seen = counted(read.out!);
      const inResults = seen.filter((n) => n > 0).length;
      console.log(`${report.stages.work!.restarts} deaths, ${ledger.dead['partial-lost']} lost, ${inResults} in results`);
      expect(errors).toEqual([]);
      expect(report).toMatchObject({ ok: true, balanced: true });
      expect(report.stages.work!.aggregates).toEqual({ results: read.out!.length, frames: inResults, lost: ledger.dead['partial-lost'] });
      for (const { meta, data } of read.out!) expect(meta.aggregate).toMatchObject({ frames: sum([...data] as never) });
      expect(Math.max(...seen)).toBe(1);
      expect(report.stages.work!.restarts).toBeGreaterThan(2);
      expect(ledger.dead['partial-lost']).toBeGreaterThan(0);
      expect(ledger).toMatchObject({ received: frames, inFlight: 0 });
      expect(inResults + sum(ledger.dead)).toBe(frames);
      expect(accounted(ledger)).toBe(frames);
      expect(new Set(read.out!.map(({ meta }) => meta.of)).size).toBe(read.out!.length);
      // Each series has its own: by what its result holds, frame for frame; the end between two took an ordinal.
      for (const [i, { ledger }] of report.sources.s!.series!.entries()) {
        const inResult = seen.slice(101 * i, 101 * i + 100).filter((n) => n > 0).length;
        expect([i, accounted(ledger), inResult + sum(ledger.dead)]).toEqual([i, 100, 100]);
      }
    });
  }

  it('between merge and commit: its successor merges the same parts, and the result comes once', { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-merge-'));
    try {
      const { report, read, errors } = await readIterates({
        sources: { s: { ...sim, frames: 150, series: 50 } },
        stages: { work: { from: 's', workers: 3, operators: [{ type: operatorPath('which'), frames: 160, folder }] } },
        sinks: { out: { type: 'iterate', from: 'work' } },
      } as never);
      expect(errors).toEqual([]);
      expect(readdirSync(folder)).toHaveLength(3);
      expect(report.stages.work!.restarts).toBe(3);
      expect(report).toMatchObject({ ok: true, balanced: true });
      expect(read.out!.map(({ meta, data }) => [meta.of, sum([...data] as never)])).toEqual([
        [1, 50],
        [2, 50],
        [3, 50],
      ]);
      expect(Math.max(...counted(read.out!))).toBe(1);
      expect(report.sources.s!.ledger.dead).toEqual({});
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  // Before the store that publishes the commit, behind it, and while it is carried out.
  const STEPS = [70, 71, 72, 73, 74];
  itFull('at each step of the commit of a frame or of the end: exact, and one result', { timeout: 120_000 }, async () => {
    const hits = new SharedArrayBuffer(4 * 128);
    const words = new Int32Array(hits);
    let lost = 0;
    for (const [round, step] of sized(STEPS, [...STEPS, ...STEPS, ...STEPS]).entries()) {
      Atomics.store(words, 0, 0);
      const { report, read, errors } = await readIterates(
        {
          failOn: 'none',
          sources: { s: { ...sim, frames: 2 } },
          stages: { work: { from: 's', operators: [{ type: operatorPath('which'), frames: 4 }] } },
          sinks: { out: { type: 'iterate', from: 'work' } },
        } as never,
        undefined,
        { fault: { file: 'ring.fault.wasm', hits, seed: SEED + round, workers: 1, steps: [step], within: 3 } },
      );
      const { ledger } = report.sources.s!;
      expect(errors).toEqual([]);
      expect(report).toMatchObject({ ok: true, balanced: true });
      expect(read.out!.length).toBeLessThanOrEqual(1);
      const inResult = read.out!.length ? counted(read.out!).reduce((all, n) => all + n, 0) : 0;
      lost += sum(ledger.dead);
      expect(report.stages.work!.aggregates).toEqual({ results: read.out!.length, frames: inResult, lost: sum(ledger.dead) });
      expect(inResult + sum(ledger.dead)).toBe(2);
    }
    const hit = STEPS.map((step) => words[step]!);
    console.log(`deaths at steps ${STEPS}: ${hit}, ${lost} lost`);
    // One round does not come to each step.
    for (const n of hit) expect(n).toBeGreaterThanOrEqual(sized(0, 1));
  });

  for (const failFlush of ['throw', 'exit']) {
    it(`whose result fails for good (${failFlush}): what was held of it is partial-lost`, { timeout: 60_000 }, async () => {
      const { report } = await runPipeline({
        sources: { s: { ...sim, frames: 40 } },
        stages: { work: { from: 's', workers: 2, attempts: 2, operators: [{ type: operatorPath('which'), frames: 60, failFlush }] } },
        sinks: { out: { type: 'null', from: 'work' } },
      });
      expect(report).toMatchObject({ balanced: true });
      expect(report.sources.s!.ledger).toMatchObject({ received: 40, merged: 0, dead: { 'partial-lost': 40 } });
      expect(report.stages.work!.aggregates).toEqual({ results: 0, frames: 0, lost: 40 });
    });
  }

  it('without partials, whose result fails for good: what was held of that series is partial-lost, and no more', {
    timeout: 60_000,
  }, async () => {
    for (const onceOf of [undefined, 2]) {
      const { report } = await runPipeline({
        sources: { s: { ...sim, frames: 60, series: 20 } },
        stages: { work: { from: 's', attempts: 2, operators: [{ type: operatorPath('fails-to-flush'), onceOf }] } },
        sinks: { out: { type: 'null', from: 'work' } },
      });
      const lost = onceOf === undefined ? 60 : 20;
      expect(report).toMatchObject({ ok: true, balanced: true });
      expect(report.sources.s!.ledger).toMatchObject({ received: 60, merged: 60 - lost, dead: { 'partial-lost': lost }, inFlight: 0 });
      for (const { id, ledger } of report.sources.s!.series!)
        expect(ledger.dead).toEqual(onceOf === undefined || id === onceOf ? { 'partial-lost': 20 } : {});
      expect(report.sinks.out!.delivered).toBe((60 - lost) / 20);
      expect(report.stages.work!.aggregates).toEqual({ results: (60 - lost) / 20, frames: 60 - lost, lost });
    }
  });

  it('whose end is given up in a stage before: it goes on from there, and what is held has its result', { timeout: 60_000 }, async () => {
    const { report } = await runPipeline({
      sources: { s: { ...sim, frames: 40 } },
      stages: {
        before: { from: 's', attempts: 2, operators: [{ type: operatorPath('dies-at-end') }] },
        work: { from: 'before', workers: 2, operators: [{ type: operatorPath('which'), frames: 60 }] },
        // What is held elsewhere of the same source has its end.
        beside: { from: 's', workers: 2, operators: [{ type: operatorPath('which'), frames: 60 }] },
      },
      sinks: { out: { type: 'null', from: 'work' }, other: { type: 'null', from: 'beside' } },
    });
    expect(report).toMatchObject({ balanced: true, stages: { before: { restarts: 2, lost: 0, endsGivenUp: 1 } } });
    expect(report.sources.s!.ledger).toMatchObject({ received: 40, merged: 40, dead: {} });
    expect(report.stages.work!.aggregates).toEqual({ results: 1, frames: 40, lost: 0 });
    expect(report.sinks).toMatchObject({ out: { delivered: 1 }, other: { delivered: 1 } });
  });

  it('that fails with some of the frames of one input taken: what the partial held is lost, and none of them counts', async () => {
    const { report, read } = await readIterates({
      sources: { s: { ...sim, frames: 30 } },
      stages: {
        work: {
          from: 's',
          attempts: 3,
          operators: [{ type: operatorPath('triple') }, { type: operatorPath('which'), frames: 60, failAt: 12 }],
        },
      },
      sinks: { out: { type: 'iterate', from: 'work' } },
    } as never);
    expect(report.balanced).toBe(true);
    expect(report.sources.s!.ledger).toMatchObject({ received: 30, merged: 17, dead: { 'partial-lost': 12, 'operator-failed': 1 } });
    expect(report.stages.work!.aggregates).toEqual({ results: 1, frames: 17, lost: 12 });
    expect(read.out![0]!.meta.aggregate).toEqual({ frames: 17, numbers: [[13, 29]] });
    expect(counted(read.out!).slice(0, 31)).toEqual(Array.from({ length: 31 }, (_, i) => (i > 12 && i < 30 ? 3 : 0)));
  });

  it('leaves it to its successor where it was not at work on it: nothing is lost', { timeout: 60_000 }, async () => {
    const { report, read } = await readIterates(
      {
        sources: { s: { type: 'push', maxFrame: 64 } },
        stages: { work: { from: 's', operators: [{ type: operatorPath('which'), frames: 60 }] } },
        sinks: { out: { type: 'iterate', from: 'work' } },
      } as never,
      async (pipeline) => {
        const source = pipeline.source('s');
        for (let i = 0; i < 20; i++) await source.push({ data: Uint8Array.of(i) });
        while (pipeline.report().sources.s!.ledger.merged < 20) await delay(10);
        pipeline.terminateWorker('work', 0);
        for (let i = 20; i < 40; i++) await source.push({ data: Uint8Array.of(i) });
        source.end();
      },
    );
    expect(report.stages.work!.restarts).toBe(1);
    expect(report.sources.s!.ledger).toMatchObject({ received: 40, merged: 40, dead: {} });
    expect(counted(read.out!).slice(0, 41)).toEqual(Array.from({ length: 41 }, (_, i) => (i < 40 ? 1 : 0)));
  });
});
