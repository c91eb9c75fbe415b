import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ReadRun, readIterates } from '../support/read-iterates.js';
import { operatorPath, runPipeline } from '../support/run-pipeline.js';
import { sized } from '../support/test-size.js';

const SHAPE = [2, 3];
const sim = { type: 'sim', pattern: 'noise', shape: SHAPE, dtype: 'uint16', pool: 0, seed: 5 };
const slow = { type: operatorPath('by-number'), spinUs: 300 };
const run = (description: object): Promise<ReadRun> =>
  readIterates({ failOn: 'none', sinks: { out: { type: 'iterate', from: 'work' } }, ...description } as never);
const sum = (counts: readonly number[]): number => counts.reduce((all, n) => all + n, 0);

describe('the end of a series at an edge that drops', () => {
  const policies = ['drop-newest', 'drop-oldest', 'latest', { sample: 3 }];

  for (const overflow of policies) {
    for (const [workers, frames] of sized(
      [
        [1, undefined],
        [2, 1000],
      ] as const,
      [
        [1, undefined],
        [1, 1000],
        [2, undefined],
        [2, 1000],
      ] as const,
    )) {
      {
        const order = workers === 1 ? 'a FIFO' : 'an ordered edge';
        const how = frames === undefined ? 'by partials' : 'in one worker';
        it(`${JSON.stringify(overflow)}, ${order}, aggregated ${how}: is never dropped`, { timeout: 60_000 }, async () => {
          const { report, read } = await run({
            sources: { s: { ...sim, frames: 400, series: 20 } },
            stages: {
              before: { from: 's', workers, operators: [{ type: operatorPath('copy') }] },
              work: {
                from: 'before',
                overflow,
                capacity: 2,
                operators: [
                  { type: 'threshold', below: 0, put: 0 },
                  slow,
                  { type: 'accumulate', shape: SHAPE, ...(frames ? { frames } : {}) },
                ],
              },
            },
          });
          const { ledger, series } = report.sources.s!;
          const inResults = sum(read.out!.map(({ meta }) => meta.frames as number));
          expect(report).toMatchObject({ ok: true, balanced: true });
          expect(read.out!.length).toBe(20);
          expect(inResults).toBe(ledger.merged);
          expect(report.stages.work!.aggregates).toEqual({ results: 20, frames: inResults, lost: 0 });
          expect(series!.map(({ ledger }) => ledger.merged)).toEqual(read.out!.map(({ meta }) => meta.frames));
        });
      }
    }
  }

  for (const overflow of ['drop-newest', 'drop-oldest', 'latest']) {
    it(`${overflow}: goes by what other sources fill the edge with, and drops none of it`, { timeout: 60_000 }, async () => {
      const { report, read } = await run({
        sources: { a: { ...sim, frames: 40, series: 10, rate: 1000 }, b: { ...sim, frames: 600, rate: 4000 } },
        stages: {
          work: { from: ['a', 'b'], overflow, capacity: 3, operators: [slow, { type: 'accumulate', shape: SHAPE, frames: 1000 }] },
        },
        sinks: { out: { type: 'iterate', from: 'work', overflow, capacity: 1 } },
      });
      expect(report).toMatchObject({ ok: true, balanced: true });
      for (const name of ['a', 'b']) {
        const results = read.out!.filter(({ source }) => source === name);
        const { merged, delivered } = report.sources[name]!.ledger;
        expect(sum(results.map(({ meta }) => meta.frames as number))).toBe(merged + delivered);
      }
      expect(report.stages.work!.aggregates!.lost).toBe(0);
    });
  }

  it('has a result on it that is made of several frames, behind a sample too', { timeout: 60_000 }, async () => {
    const { report } = await runPipeline({
      sources: { s: { ...sim, frames: 60, series: 20 } },
      stages: {
        ends: { from: 's', operators: [{ type: operatorPath('ends') }, { type: operatorPath('triple') }] },
        work: { from: 'ends', overflow: { sample: 1000 }, operators: [{ type: 'accumulate', shape: [1] }] },
      },
      sinks: { out: { type: 'null', from: 'work' } },
    });
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(report.sinks.out!.delivered).toBe(3);
  });
});

describe('workers that die', () => {
  it('with an end, in a stage before an aggregate that is no partial: the end goes on, and the next series has its own', {
    timeout: 120_000,
  }, async () => {
    const { report, read, errors } = await run({
      sources: { s: { ...sim, frames: 60, series: 20 } },
      stages: {
        ends: { from: 's', attempts: 2, operators: [{ type: operatorPath('dies-at-end') }] },
        work: { from: 'ends', operators: [{ type: 'accumulate', shape: SHAPE, frames: 7 }] },
      },
    });
    expect(report.sources.s!.ledger).toMatchObject({ received: 60, dead: {} });
    expect(report.stages).toMatchObject({
      ends: { restarts: 6, endsGivenUp: 3 },
      work: { aggregates: { results: 9, frames: 60, lost: 0 } },
    });
    expect(read.out!.map(({ meta }) => meta.frames)).toEqual([7, 7, 6, 7, 7, 6, 7, 7, 6]);
    expect(errors).toHaveLength(3);
  });

  it('fail the run by an end that their operators did not meet', { timeout: 60_000 }, async () => {
    const { report } = await readIterates({
      sources: { s: { ...sim, frames: 20, series: 20 } },
      stages: { work: { from: 's', attempts: 1, operators: [{ type: operatorPath('dies-at-end') }] } },
      sinks: { out: { type: 'iterate', from: 'work' } },
    } as never);
    expect(report).toMatchObject({ ok: false, failures: [{ kind: 'dead', node: 'work', count: 1 }] });
  });

  it('with a frame are counted by stage: twice in one and once in the next are not three', { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-attempts-'));
    try {
      const dies = (name: string, times: number): object => ({ type: operatorPath('dies-of'), number: 4, times, folder, name });
      const { report, read } = await run({
        sources: { s: { ...sim, frames: 10 } },
        stages: {
          one: { from: 's', attempts: 3, operators: [dies('one', 2)] },
          work: { from: 'one', attempts: 3, operators: [dies('two', 1)] },
        },
      });
      expect(report.stages).toMatchObject({ one: { restarts: 2, lost: 0 }, work: { restarts: 1, lost: 0 } });
      expect(read.out!.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('with a frame are counted by branch: twice in each of two stages that share it are not three', { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-branches-'));
    try {
      const dies = (name: string, times: number): object => ({ type: operatorPath('dies-of'), number: 4, times, folder, name });
      const { report, read } = await run({
        sources: { s: { ...sim, frames: 10 } },
        stages: {
          one: { from: 's', attempts: 3, operators: [dies('one', 2)] },
          two: { from: 's', attempts: 3, operators: [dies('two', 2)] },
        },
        sinks: { a: { type: 'iterate', from: 'one' }, b: { type: 'iterate', from: 'two' } },
      });
      expect(report.stages).toMatchObject({ one: { restarts: 2, lost: 0 }, two: { restarts: 2, lost: 0 } });
      expect([read.a!.length, read.b!.length]).toEqual([10, 10]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('as often as a stage allows give up the frame there', { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-give-up-'));
    try {
      const { report } = await run({
        sources: { s: { ...sim, frames: 10 } },
        stages: {
          work: { from: 's', attempts: 3, operators: [{ type: operatorPath('dies-of'), number: 4, times: 9, folder, name: 'one' }] },
        },
      });
      expect(report.stages).toMatchObject({ work: { restarts: 3, lost: 1 } });
      expect(report.sources.s!.ledger).toMatchObject({ delivered: 9, dead: { 'worker-lost': 1 } });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
