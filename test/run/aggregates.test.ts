import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../src/observe/report.js';
import { type Read, type ReadRun, readIterates } from '../support/read-iterates.js';
import { accounted, operatorPath, runPipeline } from '../support/run-pipeline.js';
import { sized } from '../support/test-size.js';

const SHAPE = [2, 3];
const sim = { type: 'sim', pattern: 'noise', shape: SHAPE, dtype: 'uint16', pool: 0, seed: 5 };
const accumulate = (frames?: number): object => ({ type: 'accumulate', shape: SHAPE, ...(frames === undefined ? {} : { frames }) });
const flaky = (params: object): object => ({ type: operatorPath('flaky'), ...params });
const triple = { type: operatorPath('triple') };

const sum = (counts: readonly number[]): number => counts.reduce((all, n) => all + n, 0);
const run = (description: object): Promise<ReadRun> =>
  readIterates({ failOn: 'none', sinks: { out: { type: 'iterate', from: 'work' } }, ...description } as never);
/** Frames that `accumulate` itself says its results are of. */
const inResults = (read: readonly Read[]): number => sum(read.map(({ meta }) => meta.frames as number));
const dead = (report: Report, source = 's'): number => report.sources[source]!.ledger.dead['partial-lost'] ?? 0;

/** Each frame of a source is in one result or dead, by what the results, the ledger and the stage say. */
function expectAllCounted({ report, read }: ReadRun, copies = 1): void {
  const { ledger } = report.sources.s!;
  const { results, frames, lost } = report.stages.work!.aggregates!;
  expect(report).toMatchObject({ ok: true, balanced: true });
  expect(accounted(ledger)).toBe(ledger.received);
  expect(results).toBe(read.out!.length);
  expect(inResults(read.out!)).toBe(copies * frames);
  expect(frames).toBe(ledger.merged + ledger.delivered);
  expect(lost).toBe(dead(report));
  expect(sum(read.out!.map(({ meta }) => (meta.aggregate as { frames: number }).frames))).toBe(frames);
}

describe('an operator that fails in a stage that aggregates', () => {
  for (const later of sized([true], [false, true])) {
    const when = later ? 'later' : 'at once';

    it(`behind the aggregate, once (${when}): it is tried again with the result, and nothing is lost`, async () => {
      const ran = await run({
        sources: { s: { ...sim, frames: 100 } },
        stages: { work: { from: 's', operators: [accumulate(10), flaky({ every: 20, at: 9, later })] } },
      });
      expectAllCounted(ran);
      expect(ran.read.out!.map(({ meta }) => meta.frames)).toEqual(Array(10).fill(10));
      expect(ran.read.out!.map(({ meta }) => meta.aggregate)).toEqual(
        Array.from({ length: 10 }, (_, i) => ({ frames: 10, numbers: [[10 * i, 10 * i + 9]] })),
      );
    });

    it(`behind the aggregate, for good (${when}): its frames are lost, with a log line, and the next result holds none of them`, async () => {
      const ran = await run({
        sources: { s: { ...sim, frames: 100 } },
        stages: { work: { from: 's', attempts: 2, operators: [accumulate(10), flaky({ every: 40, at: 19, times: 100, later })] } },
      });
      expectAllCounted(ran);
      expect(ran.report.sources.s!.ledger.dead).toEqual({ 'partial-lost': 18 + 9, 'operator-failed': 3 });
      expect(ran.errors).toContainEqual(expect.objectContaining({ message: expect.stringMatching(/lost 9 merged frames of 's'/) }));
    });

    it(`before the aggregate, on the last of three frames of one input, once (${when}): no frame is taken twice`, async () => {
      for (const frames of [undefined, 1000]) {
        const ran = await run({
          sources: { s: { ...sim, frames: 50 } },
          stages: {
            three: { from: 's', operators: [triple] },
            work: { from: 'three', operators: [flaky({ every: 10, at: 3, output: 2, later }), accumulate(frames)] },
          },
        });
        expectAllCounted(ran, 3);
        expect(inResults(ran.read.out!)).toBe(150);
      }
    });

    it(`before the aggregate, on the last of three frames of one input, for good (${when}): what it holds is lost with the input`, async () => {
      for (const frames of [undefined, 1000]) {
        const ran = await run({
          sources: { s: { ...sim, frames: 50 } },
          stages: {
            three: { from: 's', operators: [triple] },
            work: {
              from: 'three',
              attempts: 2,
              operators: [flaky({ every: 30, at: 20, output: 2, times: 100, later }), accumulate(frames)],
            },
          },
        });
        expectAllCounted(ran, 3);
        expect(ran.report.sources.s!.ledger).toMatchObject({ merged: 29, dead: { 'operator-failed': 1, 'partial-lost': 20 } });
      }
    });
  }

  it('in a parcel: each record by itself', async () => {
    const ran = await run({
      sources: { s: { ...sim, frames: 100, parcel: { bytes: 4096, waitUs: 1_000_000 } } },
      stages: {
        work: { from: 's', attempts: 2, operators: [accumulate(10), { type: operatorPath('by-sequence'), throwAt: 39 }] },
      },
    });
    expectAllCounted(ran);
    expect(ran.report.sources.s!.ledger).toMatchObject({ merged: 81, delivered: 9, dead: { 'operator-failed': 1, 'partial-lost': 9 } });
  });

  it('between two aggregates: only what it spoils is lost', async () => {
    const ran = await run({
      sources: { s: { ...sim, frames: 120 } },
      stages: {
        work: {
          from: 's',
          attempts: 2,
          operators: [accumulate(10), flaky({ every: 1000, at: 49, times: 100 }), { ...accumulate(2), shape: [2, ...SHAPE] }],
        },
      },
    });
    // 12 results of ten; the fifth fails, so that eleven come to the second, which hands on the last one at the end.
    expect(ran.report).toMatchObject({ ok: true, balanced: true });
    expect(ran.report.stages.work!.aggregates).toEqual({ results: 6, frames: 110, lost: 9 });
    expect(ran.read.out!.map(({ meta }) => (meta.aggregate as { frames: number }).frames)).toEqual([20, 20, 20, 20, 20, 10]);
    expect(ran.report.sources.s!.ledger.dead).toEqual({ 'operator-failed': 1, 'partial-lost': 9 });
  });
});

describe('an aggregate of several sources', () => {
  it('has the frames, series and ends of each source by themselves', { timeout: 60_000 }, async () => {
    const { report, read } = await run({
      sources: {
        a: { ...sim, frames: 200, series: 30, rate: 2000 },
        b: { ...sim, seed: 6, frames: 1000 },
        c: { ...sim, seed: 7, frames: 500, series: 90, parcel: { bytes: 4096 } },
      },
      stages: { work: { from: ['a', 'b', 'c'], operators: [accumulate(40)] } },
      sinks: {
        raw: { type: 'iterate', from: ['a', 'b', 'c'] },
        out: { type: 'iterate', from: 'work' },
      },
    });
    expect(report).toMatchObject({ ok: true, balanced: true });
    const of = (sink: string, name: string): Read[] => read[sink]!.filter(({ source }) => source === name);
    const sizes = (total: number, series: number): number[] =>
      Array.from({ length: Math.ceil(total / series) }, (_, i) => Math.min(series, total - i * series)).flatMap((n) => [
        ...Array(Math.floor(n / 40)).fill(40),
        ...(n % 40 > 0 ? [n % 40] : []),
      ]);
    for (const [name, total, series] of [
      ['a', 200, 30],
      ['b', 1000, 1000],
      ['c', 500, 90],
    ] as const) {
      const results = of('out', name);
      expect(results.map(({ meta }) => meta.frames)).toEqual(sizes(total, series));
      let at = 0;
      for (const { meta, data } of results) {
        const frames = of('raw', name).slice(at, at + (meta.frames as number));
        at += frames.length;
        for (let p = 0; p < 6; p++) expect(data[p]).toBeCloseTo(sum(frames.map((frame) => frame.data[p]!)) / frames.length, 7);
      }
      expect(report.sources[name]!.ledger.dead).toEqual({});
    }
    expect(report.stages.work!.aggregates).toMatchObject({ frames: 1700, lost: 0 });
  });
});

describe('what is left in an aggregate', () => {
  it('that has no flush is lost at the end of the run', async () => {
    const { report, lines } = await runPipeline({
      sources: { s: { ...sim, frames: 25 } },
      stages: { work: { from: 's', operators: [{ type: operatorPath('every-tenth') }] } },
      sinks: { out: { type: 'null', from: 'work' } },
    });
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(report.stages.work!.aggregates).toEqual({ results: 2, frames: 20, lost: 5 });
    expect(report.sources.s!.ledger).toMatchObject({ delivered: 2, merged: 18, dead: { 'partial-lost': 5 } });
    expect(lines.map(({ message }) => message)).toContainEqual(expect.stringMatching(/lost 5 merged frames of 's'/));
  });

  it('that says that it merges needs one worker', async () => {
    const stages = { work: { from: 's', workers: 2, operators: [{ type: operatorPath('every-tenth') }] } };
    await expect(
      runPipeline({ sources: { s: { ...sim, frames: 25 } }, stages, sinks: { out: { type: 'null', from: 'work' } } }),
    ).rejects.toMatchObject({ code: 'ERR_CONFIG_PROMISE' });
  });
});

describe('a worker that dies', () => {
  it('takes along what its operators hold of each source, and the sums say so', { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-aggregates-'));
    try {
      const { report, read } = await run({
        sources: { a: { ...sim, frames: 400, series: 70 }, b: { ...sim, frames: 400 } },
        stages: {
          work: {
            from: ['a', 'b'],
            operators: [{ type: operatorPath('deaths'), kind: 'exit', every: 150, at: 55, folder }, accumulate(10)],
          },
        },
      });
      const lost = dead(report, 'a') + dead(report, 'b');
      expect(report).toMatchObject({ ok: true, balanced: true });
      expect(report.stages.work!.aggregates).toEqual({ results: read.out!.length, frames: inResults(read.out!), lost });
      expect(inResults(read.out!) + lost).toBe(800);
      for (const name of ['a', 'b']) expect(inResults(read.out!.filter(({ source }) => source === name)) + dead(report, name)).toBe(400);
      expect(lost).toBeGreaterThan(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
