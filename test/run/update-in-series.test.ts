import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../src/observe/report.js';
import { operatorPath, Pipeline, recordingLogger, runPipeline, specFromObject } from '../support/run-pipeline.js';

interface Seen {
  readonly parameters: string;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly data: readonly number[];
}

/** Runs a pipeline with a sink `out` that is read; `during` feeds it and ends its sources. */
async function run(
  description: object,
  during: (pipeline: InstanceType<typeof Pipeline>, seen: readonly Seen[]) => Promise<void>,
): Promise<{ report: Report; seen: readonly Seen[] }> {
  const pipeline = new Pipeline(specFromObject({ version: 1, failOn: 'none', ...description }), { logger: recordingLogger().logger });
  await pipeline.start();
  const seen: Seen[] = [];
  const reading = (async () => {
    for await (const { parameters, meta, data } of pipeline.sink('out')) seen.push({ parameters, meta, data: Array.from(data as never) });
  })();
  await during(pipeline, seen);
  const report = await pipeline.closed;
  await reading;
  expect(report).toMatchObject({ ok: true, balanced: true });
  return { report, seen };
}

const until = async (isSo: () => boolean): Promise<void> => {
  for (let i = 0; i < 1000 && !isSo(); i++) await delay(5);
  expect(isSo()).toBe(true);
};
const source = { type: 'push', shape: [1], dtype: 'float64', maxFrame: 64 };

describe('an update within a series', () => {
  it('gives the new operator the start of the series before its first frame, once', { timeout: 60_000 }, async () => {
    const { seen } = await run(
      {
        sources: { s: source },
        stages: { work: { from: 's', operators: [{ type: operatorPath('scale'), by: 1 }] } },
        sinks: { out: { type: 'iterate', from: 'work' } },
      },
      async (pipeline, seen) => {
        const push = async (): Promise<void> => {
          const before = seen.length;
          for (let i = 0; i < 2; i++) await pipeline.source('s').push({ data: Float64Array.of(7) });
          await until(() => seen.length === before + 2);
        };
        await push();
        await pipeline.startSeries('s', { series: 'a' });
        await push();
        await pipeline.update('work', 0, { by: 2 });
        await push();
        await pipeline.startSeries('s', { series: 'b' });
        await pipeline.update('work', 0, { by: 3 }); // before the first frame of b
        await push();
        await pipeline.endSeries('s');
        await pipeline.update('work', 0, { by: 4 });
        await push();
        pipeline.source('s').end();
      },
    );
    expect(seen.map(({ data, meta }) => [data[0], meta.heard])).toEqual(
      [
        [7, []],
        [7, ['a']],
        [14, ['a']],
        [21, ['b']],
        [28, []],
      ].flatMap((one) => [one, one]),
    );
  });

  it('lets an aggregate behind it go on, over frames of both, with the hash in force when it leaves', { timeout: 60_000 }, async () => {
    const { report, seen } = await run(
      {
        sources: { s: source },
        stages: {
          work: {
            from: 's',
            operators: [
              { type: operatorPath('scale'), by: 1 },
              { type: 'accumulate', shape: [1] },
            ],
          },
        },
        sinks: { out: { type: 'iterate', from: 'work' } },
      },
      async (pipeline) => {
        const push = async (n: number): Promise<void> => {
          const { merged } = pipeline.report().sources.s!.ledger;
          for (let i = 0; i < n; i++) await pipeline.source('s').push({ data: Float64Array.of(10) });
          await until(() => pipeline.report().sources.s!.ledger.merged === merged + n);
        };
        await pipeline.startSeries('s', { series: 'a' });
        await push(6);
        await pipeline.update('work', 0, { by: 5 });
        await push(2);
        await pipeline.endSeries('s');
        pipeline.source('s').end();
      },
    );
    expect(seen).toHaveLength(1);
    expect(seen[0]!.meta.frames).toBe(8);
    expect(seen[0]!.data[0]).toBeCloseTo((6 * 10 + 2 * 50) / 8, 12);
    expect(seen[0]!.parameters).toBe(report.stages.work!.parameters![1]!.hash);
    expect(report.sources.s!.ledger).toMatchObject({ received: 8, merged: 8, dead: {} });
  });

  it('is not promised by an operator that holds frames: such a pipeline is refused', async () => {
    const { report } = await runPipeline({
      sources: { s: { type: 'sim', pattern: 'noise', shape: [2, 2], dtype: 'uint8', frames: 1 } },
      stages: { work: { from: 's', operators: [{ type: operatorPath('holds-and-updates') }] } },
      sinks: { out: { type: 'null', from: 'work' } },
    }).catch((error: unknown) => ({ report: { error: error as { code: string } } }));
    expect(report.error).toMatchObject({ code: 'ERR_CONFIG_PROMISE' });
  });
});

describe('a join', () => {
  const joined = {
    sources: { a: source, b: source },
    stages: { j: { from: ['a', 'b'], operators: [{ type: 'join', by: 'timestamp', toleranceMs: 1, waitMs: 600_000 }] } },
    sinks: { out: { type: 'iterate', from: 'j' } },
  };
  const params = { by: 'timestamp', toleranceMs: 1, waitMs: 600_000 };
  const unmatched = (pipeline: InstanceType<typeof Pipeline>, name: string): number =>
    pipeline.report().sources[name]!.ledger.dropped.unmatched ?? 0;

  it('decides by another tolerance from the next event on, and a successor of its worker too', { timeout: 60_000 }, async () => {
    const { report, seen } = await run(joined, async (pipeline, seen) => {
      const both = async (timestamp: number, apartMs: number): Promise<void> => {
        await pipeline.source('a').push({ data: Float64Array.of(timestamp), timestamp });
        await pipeline.source('b').push({ data: Float64Array.of(-timestamp), timestamp: timestamp + apartMs / 1e3 });
      };
      await both(10, 0.5);
      await until(() => seen.length === 1);
      await both(20, 5); // a's can have no partner; b's waits for one
      await until(() => unmatched(pipeline, 'a') === 1);
      await pipeline.update('j', 'join', { ...params, toleranceMs: 8 });
      await both(30, 5);
      await until(() => seen.length === 2);
      pipeline.terminateWorker('j', 0);
      await until(() => pipeline.report().stages.j!.restarts === 1);
      await both(40, 5);
      await until(() => seen.length === 3);
      for (const name of ['a', 'b']) pipeline.source(name).end();
    });
    expect(seen.map(({ data }) => data)).toEqual([
      [10, -10],
      [30, -30],
      [40, -40],
    ]);
    expect(report.sources.a!.ledger).toMatchObject({ received: 4, delivered: 3, dropped: { unmatched: 1 } });
    expect(report.sources.b!.ledger).toMatchObject({ received: 4, dropped: { unmatched: 1 } });
    const hashes = report.stages.j!.parameters!.map(({ hash }) => hash);
    expect(seen.map(({ parameters }) => hashes.indexOf(parameters))).toEqual([0, 1, 1]);
  });

  it('drops what is held waiting when it is to wait no longer', { timeout: 60_000 }, async () => {
    await run(joined, async (pipeline) => {
      await pipeline.source('a').push({ data: Float64Array.of(1), timestamp: 1 });
      await delay(100);
      expect(unmatched(pipeline, 'a')).toBe(0);
      await pipeline.update('j', 'join', { ...params, waitMs: 20 });
      await until(() => unmatched(pipeline, 'a') === 1);
      for (const name of ['a', 'b']) pipeline.source(name).end();
    });
  });

  it('keeps what frames are joined by, and how', { timeout: 60_000 }, async () => {
    await run(joined, async (pipeline) => {
      for (const [change, code] of [
        [{ ...params, as: 'list' }, 'ERR_CONFIG_PROMISE'],
        [{ by: 'frame', waitMs: 600_000 }, 'ERR_CONFIG_PROMISE'],
        [{ by: 'timestamp' }, 'ERR_CONFIG_INVALID'],
        [{ ...params, toleranceMs: -1 }, 'ERR_CONFIG_INVALID'],
      ] as const)
        await expect(pipeline.update('j', 'join', change), JSON.stringify(change)).rejects.toMatchObject({ code });
      expect(pipeline.report().stages.j!.parameters).toHaveLength(1);
      for (const name of ['a', 'b']) pipeline.source(name).end();
    });
  });
});
