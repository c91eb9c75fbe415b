import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ConfigError } from '../../src/spec/config-error.js';
import { seeded } from '../support/arena.js';
import { accounted, operatorPath, Pipeline, recordingLogger, runPipeline, specFromObject } from '../support/run-pipeline.js';
import { itFull, sized } from '../support/test-size.js';

const SEED = Number(process.env.MILLRACE_TEST_SEED ?? 20_261_124);
const sim = { type: 'sim', pattern: 'counter', shape: [1, 24], dtype: 'uint16' };
const who = (spinUs = 0) => ({ type: operatorPath('who'), spinUs });

interface Seen {
  readonly source: string;
  readonly ordinal: number;
  readonly worker: number;
  readonly meta: Readonly<Record<string, unknown>>;
}

/** Runs a pipeline whose sink `out` reads in any order what came: as each worker committed it. */
async function run(
  description: object,
  during?: (pipeline: InstanceType<typeof Pipeline>) => unknown,
  startOrdinal = 0,
): Promise<{ seen: Seen[]; report: Awaited<InstanceType<typeof Pipeline>['closed']> }> {
  const { logger, lines } = recordingLogger();
  const pipeline = new Pipeline(specFromObject({ version: 1, failOn: 'none', ...description }), { logger, startOrdinal });
  await pipeline.start();
  const seen: Seen[] = [];
  const reading = (async () => {
    for await (const { source, ordinal, meta } of pipeline.sink('out')) seen.push({ source, ordinal, worker: meta.worker as number, meta });
  })();
  await during?.(pipeline);
  await reading;
  const report = await pipeline.closed;
  expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  expect(report).toMatchObject({ ok: true, balanced: true });
  return { seen, report };
}

/** Each key by one worker only, its frames by rising ordinal. Returns the workers that had any. */
function expectKept(seen: readonly Seen[], keyOf: (frame: Seen) => unknown): Set<number> {
  const workers = new Map<unknown, number>();
  const last = new Map<unknown, number>();
  for (const frame of seen) {
    const key = keyOf(frame);
    if (!workers.has(key)) workers.set(key, frame.worker);
    expect(frame.worker, `key ${key}`).toBe(workers.get(key));
    const source = `${key} ${frame.source}`;
    if (last.has(source)) expect((frame.ordinal - last.get(source)!) | 0, `key ${key}`).toBeGreaterThan(0);
    last.set(source, frame.ordinal);
  }
  return new Set(workers.values());
}

/** 32-bit FNV-1a of the specification, in BigInt. */
function fnv(text: string): number {
  let sum = 0x811c9dc5n;
  for (const unit of text) sum = ((sum ^ BigInt(unit.charCodeAt(0))) * 0x01000193n) & 0xffffffffn;
  return Number(sum ^ (sum >> 15n));
}

describe('a keyed stage', () => {
  for (const [name, start] of [...sized([], [['0', 0]] as const), ['just below 2^32', 0xff_ff_fe_00 | 0]] as const) {
    it(`gives each block of ordinals to one worker, in order; ordinals from ${name}`, { timeout: 60_000 }, async () => {
      const { seen, report } = await run(
        {
          sources: { s: { ...sim, frames: 2000 } },
          stages: { work: { from: 's', workers: 3, key: { ordinal: 16 }, operators: [who(50)] } },
          sinks: { out: { type: 'iterate', from: 'work', order: 'none' } },
        },
        undefined,
        start,
      );
      expect(seen).toHaveLength(2000);
      expect(expectKept(seen, ({ ordinal }) => Math.floor((ordinal >>> 0) / 16)).size).toBe(3);
      for (const { ordinal, worker } of seen) expect(worker).toBe(Math.floor((ordinal >>> 0) / 16) % 3);
      expect(report.sources.s!.ledger).toMatchObject({ received: 2000, delivered: 2000 });
    });
  }

  it('keeps the order of the source for who takes from it in order', { timeout: 60_000 }, async () => {
    const { seen } = await run({
      sources: { s: { ...sim, frames: 2000 } },
      stages: { work: { from: 's', workers: 4, key: { ordinal: 3 }, operators: [who(20)] } },
      sinks: { out: { type: 'iterate', from: 'work' } },
    });
    expect(seen.map(({ ordinal }) => ordinal)).toEqual(Array.from({ length: 2000 }, (_, i) => i));
  });

  for (const later of [false, true])
    it(`keeps it behind a module that says async: false${later ? ', though that returns promises' : ''}`, { timeout: 60_000 }, async () => {
      const { seen } = await run({
        sources: { s: { ...sim, frames: 1000 } },
        stages: {
          first: { from: 's', operators: [{ type: operatorPath('by-number-in-order'), copies: 1, copyAt: 2, later }] },
          work: { from: 'first', workers: 3, key: { ordinal: 3 }, operators: [who(20)] },
        },
        sinks: { out: { type: 'iterate', from: 'work' } },
      });
      expect(seen.map(({ ordinal }) => ordinal)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
      for (const { ordinal, worker } of seen) expect(worker).toBe(Math.floor(ordinal / 3) % 3);
    });

  it('gives each source to one worker', { timeout: 60_000 }, async () => {
    const { seen } = await run({
      sources: { a: { ...sim, frames: 400 }, b: { ...sim, frames: 400 }, c: { ...sim, frames: 400 } },
      stages: { work: { from: ['a', 'b', 'c'], workers: 2, key: 'source', operators: [who(20)] } },
      sinks: { out: { type: 'iterate', from: 'work', order: 'none' } },
    });
    expect(seen).toHaveLength(1200);
    expect(expectKept(seen, ({ source }) => source).size).toBe(2);
    for (const { source, worker } of seen) expect(worker).toBe('abc'.indexOf(source) % 2);
  });

  it('gives each value of a key of the meta to one worker, a missing one too', { timeout: 60_000 }, async () => {
    const values = ['north', 'south', 'é', 7, [1, 2], undefined];
    const { seen } = await run(
      {
        sources: { s: { type: 'push', maxFrame: 64 } },
        stages: { work: { from: 's', workers: 3, key: { meta: 'detector' }, operators: [who(20)] } },
        sinks: { out: { type: 'iterate', from: 'work', order: 'none' } },
      },
      async (pipeline) => {
        for (let i = 0; i < 600; i++) {
          const detector = values[i % values.length];
          await pipeline.source('s').push({ data: Uint8Array.of(i), meta: { i, ...(detector === undefined ? {} : { detector }) } });
        }
        pipeline.source('s').end();
      },
    );
    expect(seen).toHaveLength(600);
    const textOf = ({ ordinal }: Seen): string => {
      const value = values[ordinal % values.length];
      return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
    };
    expect(expectKept(seen, textOf).size).toBeGreaterThan(1);
    for (const frame of seen) expect(frame.worker).toBe(fnv(textOf(frame)) % 3);
  });

  for (const overflow of ['drop-oldest', 'drop-newest', 'latest']) {
    it(`keeps key and order on edges that drop (${overflow}), and counts what they drop`, { timeout: 60_000 }, async () => {
      const { seen, report } = await run({
        sources: { s: { ...sim, frames: 4000, rate: 8000 } },
        stages: { work: { from: 's', workers: 2, key: { ordinal: 4 }, overflow, capacity: 4, operators: [who(600)] } },
        sinks: { out: { type: 'iterate', from: 'work', order: 'none' } },
      });
      expect(expectKept(seen, ({ ordinal }) => Math.floor(ordinal / 4)).size).toBe(2);
      // By rising ordinal in each worker too.
      expectKept(seen, ({ worker }) => worker);
      const { ledger } = report.sources.s!;
      expect(ledger.dropped[overflow]).toBeGreaterThan(0);
      expect(ledger).toMatchObject({ received: 4000, delivered: seen.length, inFlight: 0, dead: {} });
      expect(accounted(ledger)).toBe(4000);
    });
  }

  itFull(
    `survives its workers: the successor takes what was left, keys and order are kept, seed ${SEED}`,
    { timeout: 120_000 },
    async () => {
      const random = seeded(SEED);
      const { seen, report } = await run(
        {
          sources: { s: { ...sim, frames: 6000, rate: 3000 } },
          stages: { work: { from: 's', workers: 3, attempts: 100, key: { ordinal: 8 }, operators: [who(200)] } },
          sinks: { out: { type: 'iterate', from: 'work', order: 'none' }, in: { type: 'null', from: 'work', checksum: true } },
        },
        async (pipeline) => {
          let isOver = false;
          void pipeline.closed.then(() => {
            isOver = true;
          });
          while (!isOver && pipeline.report().stages.work!.restarts < 10) {
            await delay(30 + random(50));
            pipeline.terminateWorker('work', random(3));
          }
        },
      );
      expect(report.stages.work!.restarts).toBeGreaterThan(3);
      expect(report.stages.work!.redispatched).toBeGreaterThan(0);
      expect(report.sources.s!.ledger).toMatchObject({ received: 6000, delivered: 6000, dead: {}, inFlight: 0 });
      expect(seen).toHaveLength(6000);
      for (const { ordinal, worker } of seen) expect(worker).toBe(Math.floor(ordinal / 8) % 3);
      expect(new Set(seen.map(({ ordinal }) => ordinal)).size).toBe(6000);
      expectKept(seen, ({ ordinal }) => Math.floor(ordinal / 8));
    },
  );

  it('takes the end of a series by its first worker, and every frame of the series is before it', { timeout: 60_000 }, async () => {
    const { seen, report } = await run({
      sources: { s: { ...sim, frames: 900, series: 100 } },
      stages: { work: { from: 's', workers: 3, key: { ordinal: 2 }, operators: [who()] } },
      sinks: { out: { type: 'iterate', from: 'work' } },
    });
    expect(seen).toHaveLength(900);
    expect(report.sources.s!.series!.map(({ ledger }) => ledger.delivered)).toEqual(Array.from({ length: 9 }, () => 100));
  });
});

describe('what keyed and exclusive stages refuse', () => {
  const refused = (stages: object, from: string, order = 'preserve'): string[] => {
    try {
      specFromObject({ version: 1, sources: { s: { ...sim, frames: 1 } }, stages, sinks: { out: { type: 'null', from, order } } });
      return [];
    } catch (error) {
      // The build has a class of its own.
      return (error as ConfigError).errors.map(({ code, message, place }) => `${place.path} ${code} ${message}`);
    }
  };

  it('several workers in an exclusive stage, a key there, and a key or no order in a deterministic one', () => {
    expect(refused({ x: { from: 's', exclusive: true, workers: 2 } }, 'x')).toEqual([
      "stages.x.workers ERR_CONFIG_PROMISE stage 'x' is exclusive: it has one worker, not 2",
    ]);
    expect(refused({ x: { from: 's', exclusive: true, key: 'source' } }, 'x')).toEqual([
      expect.stringMatching(/^stages.x.key .*exclusive/),
    ]);
    expect(refused({ x: { from: 's', deterministic: true, key: 'source', order: 'none' } }, 'x')).toEqual([
      expect.stringMatching(/^stages.x.key ERR_CONFIG_PROMISE .*deterministic/),
      expect.stringMatching(/^stages.x.order ERR_CONFIG_PROMISE .*deterministic/),
    ]);
    expect(refused({ x: { from: 's', exclusive: true } }, 'x')).toEqual([]);
  });

  it('frames from several threads, where their order matters', () => {
    const a = { from: 's', workers: 2 };
    expect(refused({ a, x: { from: 'a', key: { ordinal: 2 }, workers: 2 } }, 'x')).toEqual([
      expect.stringMatching(/^stages.x.from ERR_CONFIG_PROMISE .*an edge for each worker.*order: none/),
    ]);
    expect(refused({ a, x: { from: 'a', deterministic: true, workers: 2 } }, 'x')).toEqual([
      expect.stringMatching(/^stages.x.from ERR_CONFIG_PROMISE .*take them from one thread/),
    ]);
    expect(refused({ a, x: { from: 'a', key: { ordinal: 2 }, workers: 2, order: 'none' } }, 'x', 'none')).toEqual([]);
    expect(refused({ a: { from: 's' }, x: { from: 'a', key: { ordinal: 2 }, workers: 2 } }, 'x')).toEqual([]);
  });

  it('several workers for an operator that keeps state, but for a keyed one in a keyed stage', async () => {
    const stage = { from: 's', workers: 2, operators: [{ type: 'accumulate', frames: 3, shape: [1, 24] }] };
    expect(refused({ x: stage }, 'x')).toEqual([expect.stringMatching(/keeps state between frames/)]);
    expect(refused({ x: { ...stage, key: 'source' } }, 'x')).toEqual([expect.stringMatching(/keeps state between frames/)]);
    const start = (x: object): Promise<unknown> =>
      runPipeline({
        sources: { s: { ...sim, frames: 1 } },
        stages: { x },
        sinks: { out: { type: 'null', from: 'x', order: 'none' } },
      }).catch((error: unknown) => error);
    expect(await start({ from: 's', workers: 2, operators: [who()] })).toMatchObject({
      code: 'ERR_CONFIG_PROMISE',
      message: expect.stringMatching(/workers: 1, or a key/),
    });
    expect(await start({ from: 's', workers: 2, key: 'source', operators: [who()] })).toMatchObject({ report: { ok: true } });
  });

  it('fewer slots than its edges and workers can hold', async () => {
    const started = runPipeline({
      sources: { s: { ...sim, frames: 1 } },
      stages: { x: { from: 's', workers: 2, key: { ordinal: 1 }, slots: 2, operators: [who()] } },
      sinks: { out: { type: 'null', from: 'x' } },
    });
    await expect(started).rejects.toMatchObject({
      code: 'ERR_CONFIG_PROMISE',
      message: expect.stringMatching(/at least \d+ slots, not 2/),
    });
  });

  it('operators before it that may be asynchronous, and several frames of one for a key of the meta', async () => {
    const start = (x: object, a: object = { type: operatorPath('copy') }): Promise<unknown> =>
      runPipeline({
        sources: { s: { ...sim, frames: 1 } },
        stages: { a: { from: 's', operators: [a] }, x: { from: 'a', workers: 2, operators: [], ...x } },
        sinks: { out: { type: 'null', from: 'x', order: 'none' } },
      }).catch((error: unknown) => error);
    const promise = (text: RegExp) => ({ code: 'ERR_CONFIG_PROMISE', message: expect.stringMatching(text) });
    expect(await start({ key: 'source' })).toMatchObject(promise(/may be asynchronous: set order: none/));
    expect(await start({ key: 'source', order: 'none' })).toMatchObject({ report: { ok: true } });
    expect(await start({ deterministic: true, operators: [{ type: 'accumulate', shape: [1, 24] }] })).toMatchObject(
      promise(/cannot be deterministic behind them/),
    );
    expect(await start({ key: { meta: 'a' }, order: 'none' }, { type: operatorPath('triple') })).toMatchObject(promise(/travel as one/));
  });
});
