import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { writeNpy } from '../../src/codecs/npy.js';
import type { Report } from '../../src/observe/report.js';
import { accounted, operatorPath, Pipeline, specFromObject } from '../support/run-pipeline.js';
import { itFull, sized } from '../support/test-size.js';

const PIXELS = 64;
const pixels = (n: number): Uint16Array => Uint16Array.from({ length: PIXELS }, (_, i) => (n * 31 + i * 977) % 4096);

type Operators = readonly Readonly<Record<string, unknown>>[];
type Expected = (frame: Uint16Array, operators: Operators) => number[];

const thresholded: Expected = (frame, [operator]) => {
  const { above, put } = operator as { above: number; put: number };
  return [...frame].map((value) => (value > above ? put : value));
};
const added: Expected = (frame, [operator]) => [...frame].map((value) => (value + Number(operator!.by)) & 0xffff);

interface Seen {
  readonly ordinal: number;
  readonly parameters: string;
  readonly data: readonly number[];
}

/** Pushes frames without a pause, reads all results, and lets `during` change the pipeline. */
async function underLoad(
  stage: object,
  during: (pipeline: InstanceType<typeof Pipeline>, pushed: () => number) => Promise<void>,
  frames = Number.POSITIVE_INFINITY,
): Promise<{ seen: Seen[]; report: Report; pushed: number }> {
  const pipeline = new Pipeline(
    specFromObject({
      version: 1,
      sources: { s: { type: 'push', maxFrame: 2 * PIXELS } },
      stages: { work: { from: 's', ...stage } },
      sinks: { out: { type: 'iterate', from: 'work' } },
    }),
  );
  await pipeline.start();
  const seen: Seen[] = [];
  const reading = (async () => {
    for await (const { ordinal, parameters, data } of pipeline.sink('out'))
      seen.push({ ordinal, parameters, data: Array.from(data as Uint16Array) });
  })();
  let pushed = 0;
  let isDone = false;
  const pushing = (async () => {
    while (!isDone && pushed < frames) await pipeline.source('s').push({ data: pixels(pushed++) });
  })();
  try {
    await during(pipeline, () => pushed);
  } finally {
    isDone = true;
    await pushing;
    pipeline.source('s').end();
  }
  const report = await pipeline.closed;
  await reading;
  return { seen, report, pushed };
}

/** Every result is what the parameters of its hash make of its frame, and none is missing. */
function check({ seen, report, pushed }: { seen: Seen[]; report: Report; pushed: number }, expected: Expected): Set<string> {
  const known = new Map(report.stages.work!.parameters!.map(({ hash, operators }) => [hash, operators]));
  expect(report.ok).toBe(true);
  expect(accounted(report.sources.s!.ledger)).toBe(pushed);
  expect(seen.map(({ ordinal }) => ordinal)).toEqual(Array.from({ length: pushed }, (_, i) => i));
  for (const { ordinal, parameters, data } of seen) {
    const operators = known.get(parameters);
    if (!operators) throw new Error(`frame ${ordinal} has the unknown hash '${parameters}'`);
    expect(data).toEqual(expected(pixels(ordinal), operators));
  }
  return new Set(seen.map(({ parameters }) => parameters));
}

describe('parameters that change while the pipeline runs', () => {
  for (const workers of sized([3], [1, 3])) {
    it(`each of ${workers} workers makes every frame by the parameters of its hash, and none is lost`, { timeout: 60_000 }, async () => {
      const UPDATES = 200;
      const marks: { hash: string; pushed: number }[] = [];
      const run = await underLoad({ workers, operators: [{ type: 'threshold', above: 4000, put: 1 }] }, async (pipeline, pushed) => {
        for (let i = 1; i <= UPDATES; i++) {
          const { hash, epoch } = await pipeline.update('work', 'threshold', { above: 4000 - i, put: i });
          expect(epoch).toBe(i);
          marks.push({ hash, pushed: pushed() });
        }
        await delay(20);
      });
      const hashes = check(run, thresholded);
      expect(hashes.size).toBeGreaterThan(20);
      const order = run.report.stages.work!.parameters!.map(({ hash }) => hash);
      expect(new Set(order).size).toBe(UPDATES + 1);
      // A frame that was pushed after an update resolved has that update, or a later one.
      const epochOf = new Map(order.map((hash, epoch) => [hash, epoch]));
      for (const [i, { pushed }] of marks.entries())
        for (const { ordinal, parameters } of run.seen.slice(pushed, pushed + 3))
          expect(epochOf.get(parameters), `frame ${ordinal}`).toBeGreaterThanOrEqual(i + 1);
      if (workers === 1) {
        const epochs = run.seen.map(({ parameters }) => epochOf.get(parameters)!);
        expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
      }
    });
  }

  it('tables change with the parameters, and the place of one is not reused while somebody reads it', { timeout: 60_000 }, async () => {
    const type = operatorPath('add');
    for (const delayMs of [0, 2]) {
      const table = 50_000;
      const run = await underLoad({ workers: 2, concurrency: 4, operators: [{ type, by: 0, table, delayMs }] }, async (pipeline) => {
        for (let by = 20; by < 100; by++) await pipeline.update('work', 0, { by, table, delayMs });
      });
      expect(check(run, added).size).toBeGreaterThan(10);
    }
  });

  it('what is refused changes nothing', { timeout: 60_000 }, async () => {
    const add = operatorPath('add');
    const copy = operatorPath('copy');
    const run = await underLoad(
      {
        workers: 2,
        operators: [{ type: add, by: 1, table: 1000 }, { type: copy }, { type: 'mask', above: 1e9 }, { type: 'mask', above: 2e9 }],
      },
      async (pipeline) => {
        const refused: [string, string | number, Record<string, unknown>, string][] = [
          ['work', 0, { by: 'two' }, 'ERR_CONFIG_INVALID'],
          ['work', 0, { by: 2, bye: 3 }, 'ERR_CONFIG_INVALID'],
          ['work', 0, { by: () => 2 }, 'ERR_CONFIG_INVALID'],
          ['work', 0, { by: 2, table: 100_000 }, 'ERR_CONFIG_MEMORY'],
          ['work', 0, { by: 13, table: 1000 }, 'ERR_CONFIG_INVALID'],
          ['work', 0, { by: 14, table: 1000 }, 'ERR_CONFIG_INVALID'],
          ['work', 1, { dawdle: 1 }, 'ERR_CONFIG_PROMISE'],
          ['work', 2, { file: '/nowhere/mask.npy' }, 'ERR_CONFIG_FILE'],
          ['work', 2, { noData: false }, 'ERR_CONFIG_INVALID'],
          ['work', 'mask', { above: 3 }, 'ERR_USAGE'],
          ['work', 'rebin', { factor: 2 }, 'ERR_USAGE'],
          ['work', 4, {}, 'ERR_USAGE'],
          ['play', 0, {}, 'ERR_USAGE'],
        ];
        for (const [stage, operator, params, code] of refused)
          await expect(pipeline.update(stage, operator, params), JSON.stringify(params)).rejects.toMatchObject({ code });
      },
    );
    expect(check(run, added).size).toBe(1);
    expect(run.report.stages.work!.parameters).toHaveLength(1);
  });

  it('workers without a frame adopt too, and two updates at once come one after the other', { timeout: 60_000 }, async () => {
    const run = await underLoad(
      { workers: 3, operators: [{ type: 'threshold', above: 4000, put: 1 }] },
      async (pipeline) => {
        await delay(50);
        const startMs = performance.now();
        const results = await Promise.all([2, 3].map((put) => pipeline.update('work', 0, { above: 4000, put })));
        expect(results.map(({ epoch }) => epoch)).toEqual([1, 2]);
        expect(performance.now() - startMs).toBeLessThan(5000);
        await pipeline.source('s').push({ data: pixels(5) });
        expect(pipeline.report().stages.work!.parameters!.map(({ epoch }) => epoch)).toEqual([0, 1, 2]);
      },
      5,
    );
    const last = run.report.stages.work!.parameters![2]!.hash;
    expect(run.seen.at(-1)).toMatchObject({ ordinal: 5, parameters: last });
    check({ ...run, pushed: 6 }, thresholded);
  });

  itFull('a worker that dies meanwhile is replaced by one with the present parameters', { timeout: 60_000 }, async () => {
    const run = await underLoad({ workers: 2, attempts: 50, operators: [{ type: 'threshold', above: 4000, put: 1 }] }, async (pipeline) => {
      for (let i = 2; i < 42; i++) {
        const updated = pipeline.update('work', 0, { above: 4000, put: i });
        if (i % 5 === 0) pipeline.terminateWorker('work', (i / 5) & 1);
        await updated;
      }
    });
    check(run, thresholded);
    expect(run.report.stages.work!.restarts).toBeGreaterThan(0);
  });

  it('a second stage adds its hash to that of the first', { timeout: 60_000 }, async () => {
    const pipeline = new Pipeline(
      specFromObject({
        version: 1,
        sources: { s: { type: 'push', maxFrame: 2 * PIXELS } },
        stages: {
          first: { from: 's', operators: [{ type: 'threshold', above: 100 }] },
          keep: { from: 'first', operators: [{ type: 'veto', min: 0 }] },
          second: { from: 'keep', operators: [{ type: 'threshold', above: 50 }] },
        },
        sinks: { raw: { type: 'iterate', from: 's' }, out: { type: 'iterate', from: 'second' } },
      }),
    );
    await expect(pipeline.update('first', 0, { above: 1 })).rejects.toMatchObject({ code: 'ERR_STATE' });
    await pipeline.start();
    await pipeline.source('s').push({ data: pixels(1) });
    pipeline.source('s').end();
    const read = async (sink: string): Promise<string[]> => {
      const all: string[] = [];
      for await (const { parameters } of pipeline.sink(sink)) all.push(parameters);
      return all;
    };
    const [raw, out] = await Promise.all([read('raw'), read('out')]);
    const { stages } = await pipeline.closed;
    const [first, second] = [stages.first!, stages.second!].map(({ parameters }) => Buffer.from(parameters![0]!.hash, 'hex'));
    expect(raw).toEqual(['']);
    expect(out).toEqual([createHash('sha256').update(first!).update(second!).digest('hex').slice(0, 16)]);
    await expect(pipeline.update('first', 0, { above: 1 })).rejects.toMatchObject({ code: 'ERR_STATE' });
  });

  it('an operator that was folded is updated by its own number, and a file that changed gives another hash', {
    timeout: 60_000,
  }, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-update-'));
    const file = join(directory, 'mask.npy');
    const shape = [8, 8];
    const masks = [3, 5].map((step) => Uint8Array.from({ length: PIXELS }, (_, i) => (i % step === 0 ? 1 : 0)));
    const write = (mask: Uint8Array): void => writeFileSync(file, writeNpy({ dtype: 'uint8', shape, data: mask }));
    const integrate = {
      type: 'integrate-azimuthal',
      geometry: { distance: 0.1, poni1: 0, poni2: 0, pixel1: 1e-4, pixel2: 1e-4, wavelength: 1e-10 },
      bins: 1,
      unit: '2th_deg',
      shape,
      solidAngle: false,
    };
    const start = async (operators: object[]): Promise<InstanceType<typeof Pipeline>> => {
      const pipeline = new Pipeline(
        specFromObject({
          version: 1,
          sources: { s: { type: 'push', maxFrame: 2 * PIXELS } },
          stages: { work: { from: 's', operators } },
          sinks: { out: { type: 'iterate', from: 'work' } },
        }),
      );
      await pipeline.start();
      return pipeline;
    };
    try {
      write(masks[0]!);
      const pipeline = await start([{ type: 'mask', file }, integrate]);
      const results = pipeline.sink('out')[Symbol.asyncIterator]();
      const next = async (): Promise<{ parameters: string; intensity: number }> => {
        await pipeline.source('s').push({ data: pixels(1), shape });
        const { parameters, data } = (await results.next()).value as { parameters: string; data: Float64Array };
        return { parameters, intensity: data[1]! };
      };
      const meanOf = (isMasked: (i: number) => boolean): number => {
        const left = [...pixels(1)].filter((_, i) => !isMasked(i));
        return left.reduce((sum, value) => sum + value, 0) / left.length;
      };
      const first = await next();
      expect(first.intensity).toBeCloseTo(
        meanOf((i) => masks[0]![i] === 1),
        3,
      );
      write(masks[1]!);
      const { hash } = await pipeline.update('work', 'mask', { file });
      const second = await next();
      expect(second.parameters).toBe(hash);
      expect(hash).not.toBe(first.parameters);
      expect(second.intensity).toBeCloseTo(
        meanOf((i) => masks[1]![i] === 1),
        3,
      );
      await pipeline.update('work', 0, { file, above: 2000 });
      expect((await next()).intensity).toBeCloseTo(
        meanOf((i) => masks[1]![i] === 1 || pixels(1)[i]! > 2000),
        3,
      );
      writeFileSync(file, writeNpy({ dtype: 'uint8', shape: [4, 16], data: masks[0]! }));
      await expect(pipeline.update('work', 0, { file })).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' });
      const { type: _, ...rest } = integrate;
      await expect(pipeline.update('work', 1, { ...rest, bins: 2 })).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_CONFIG/) });
      write(masks[1]!);
      await expect(pipeline.update('work', 1, { ...rest, bins: 2 })).rejects.toMatchObject({ code: 'ERR_CONFIG_PROMISE' });
      // What an update built is what a start with the same builds.
      expect((await pipeline.update('work', 0, { file })).hash).toBe(hash);
      const other = await start([{ type: 'mask', file }, integrate]);
      expect(other.report().stages.work!.parameters![0]!.hash).toBe(hash);
      await other.abort();
      pipeline.source('s').end();
      await results.return?.();
      await pipeline.closed;
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('a signal refuses what is not yet published', { timeout: 60_000 }, async () => {
    const run = await underLoad({ workers: 1, operators: [{ type: 'threshold', above: 4000, put: 1 }] }, async (pipeline) => {
      await expect(pipeline.update('work', 0, { above: 1 }, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    });
    expect(check(run, thresholded).size).toBe(1);
  });
});
