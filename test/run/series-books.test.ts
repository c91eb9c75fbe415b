import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SeriesReport } from '../../src/observe/report.js';
import { accounted, operatorPath, runPipeline } from '../support/run-pipeline.js';
import { itFull } from '../support/test-size.js';

const sim = { type: 'sim', pattern: 'noise', shape: [4, 6], dtype: 'uint16', pool: 0, seed: 5 };
const frame = (sequence: number): { sequence: number; data: Uint8Array } => ({ sequence, data: Uint8Array.of(1) });

describe('a series that is begun from outside', () => {
  /** One series of a source that numbers its frames by itself: `before` come before it begins, `inside` while it is open. */
  async function books(start: object, before: readonly number[], inside: readonly number[]): Promise<SeriesReport> {
    let closed: SeriesReport | undefined;
    const { report } = await runPipeline(
      { sources: { s: { type: 'push', maxFrame: 64 } }, sinks: { out: { type: 'null', from: 's' } } },
      {},
      async (pipeline) => {
        const source = pipeline.source('s');
        for (const number of before) await source.push(frame(number));
        await pipeline.startSeries('s', { series: 'x', ...start });
        for (const number of inside) await source.push(frame(number));
        closed = await pipeline.endSeries('s');
        source.end();
      },
    );
    expect(report).toMatchObject({ ok: true, balanced: true });
    return closed!;
  }
  const numbers = (from: number, to: number, without: readonly number[] = []): number[] =>
    Array.from({ length: to - from + 1 }, (_, i) => from + i).filter((number) => !without.includes(number));

  it('takes the numbers of its frames from the first that came, below the announced count too', async () => {
    expect((await books({ expected: 20 }, numbers(0, 4), numbers(5, 24))).verdict).toEqual({ state: 'complete' });
    expect((await books({ expected: 20 }, numbers(0, 4), numbers(5, 17, [9]))).verdict).toEqual({
      state: 'incomplete',
      missing: [
        [9, 9],
        [18, 24],
      ],
    });
  });

  it('tells what did not come from its `first` number on, with a count and without', async () => {
    const lost = { state: 'incomplete', missing: [[1005, 1006]] };
    expect(await books({ expected: 20, first: 1005 }, [], numbers(1007, 1024))).toMatchObject({ first: 1005, verdict: lost });
    expect((await books({ first: 1005 }, [], numbers(1007, 1024))).verdict).toEqual(lost);
    expect((await books({ first: 1005 }, [], numbers(1005, 1024))).verdict).toEqual({ state: 'complete' });
  });
});

describe('operators that hand on at an end', () => {
  it('flush once for each series, not again where nothing came since', async () => {
    const { report } = await runPipeline({
      sources: { s: { ...sim, frames: 40, series: 20 } },
      stages: { ends: { from: 's', operators: [{ type: operatorPath('ends') }] } },
      sinks: { out: { type: 'null', from: 'ends' } },
    });
    expect(report.sinks.out!.delivered).toBe(2);
  });

  it('flush once more for what came outside of a series', async () => {
    const { report } = await runPipeline(
      {
        sources: { s: { type: 'push', maxFrame: 64 } },
        stages: { ends: { from: 's', operators: [{ type: operatorPath('ends') }] } },
        sinks: { out: { type: 'null', from: 'ends' } },
      },
      {},
      async (pipeline) => {
        const source = pipeline.source('s');
        const delivered: number[] = [];
        const note = (): unknown => delivered.push(pipeline.report().sinks.out!.delivered);
        await source.push(frame(0));
        await pipeline.startSeries('s', { series: 1 }); // ends what came before it
        note();
        await source.push(frame(1));
        await pipeline.startSeries('s', { series: 2 });
        note();
        await source.push(frame(2));
        await pipeline.endSeries('s');
        note();
        await pipeline.startSeries('s', { series: 3 });
        await pipeline.startSeries('s', { series: 4 }); // series 3 had no frames, and has an end
        note();
        await pipeline.endSeries('s');
        await source.push(frame(3));
        source.end();
        expect(delivered).toEqual([1, 2, 3, 4]);
      },
    );
    expect(report.sinks.out!.delivered).toBe(6);
  });
});

describe('frames of a series whose aggregate is lost', () => {
  it('are dead in its books: a worker took along what it held', { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-books-'));
    try {
      const { report } = await runPipeline({
        sources: { s: { ...sim, frames: 300, series: 100 } },
        stages: {
          work: {
            from: 's',
            operators: [
              { type: operatorPath('deaths'), kind: 'exit', every: 1000, at: 155, folder },
              { type: 'accumulate', frames: 10, shape: [4, 6] },
            ],
          },
        },
        sinks: { out: { type: 'null', from: 'work' } },
      });
      const { ledger, series } = report.sources.s!;
      expect(ledger.dead).toEqual({ 'partial-lost': expect.any(Number) });
      expect(series!.map(({ ledger }) => ledger.dead)).toEqual([{}, ledger.dead, {}]);
      for (const { ledger } of series!) expect(accounted(ledger)).toBe(100);
      expect(series!.reduce((sum, { ledger }) => sum + ledger.merged, 0)).toBe(ledger.merged);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  itFull('are dead in its books: its result failed for good', { timeout: 60_000 }, async () => {
    for (const failFlush of ['throw', 'exit']) {
      const { report } = await runPipeline({
        sources: { s: { ...sim, frames: 40, series: 20 } },
        stages: { work: { from: 's', workers: 2, attempts: 2, operators: [{ type: operatorPath('which'), frames: 60, failFlush }] } },
        sinks: { out: { type: 'null', from: 'work' } },
      });
      expect(report.sources.s!.ledger.dead).toEqual({ 'partial-lost': 40 });
      expect(report.sources.s!.series!.map(({ ledger }) => [ledger.merged, ledger.dead])).toEqual([
        [0, { 'partial-lost': 20 }],
        [0, { 'partial-lost': 20 }],
      ]);
    }
  });
});
