import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../src/observe/report.js';
import { seeded } from '../support/arena.js';
import { accounted, operatorPath, Pipeline, recordingLogger, runPipeline, specFromObject } from '../support/run-pipeline.js';
import { isFull, itFull, sized, testSize } from '../support/test-size.js';

const DEATHS = testSize('MILLRACE_TEST_KILLS', 4, 50);
const SEED = Number(process.env.SEED ?? Date.now() % 1e9);
const FRAMES = sized(1000, 3000);
const PARCEL = { parcel: { bytes: '8KiB' } };
const byNumber = (options: object): object => ({ type: operatorPath('by-number'), ...options });
const counter = (more: object = {}): object => ({
  type: 'sim',
  pattern: 'counter',
  shape: [1, 48],
  dtype: 'uint8',
  frames: FRAMES,
  ...more,
});

interface Seen {
  readonly rows: readonly string[];
  readonly report: Report;
}

/** Everything that a sink can see of what came, but for ordinals, in order. */
async function seen(description: object, options: object = {}): Promise<Seen> {
  const { logger } = recordingLogger();
  const pipeline = new Pipeline(specFromObject({ version: 1, failOn: 'none', ...description }), { logger, ...options });
  await pipeline.start();
  const rows: string[] = [];
  for await (const { sequence, shape, dtype, meta, parameters, bytes } of pipeline.sink('out')) {
    rows.push(JSON.stringify([sequence, shape, dtype, meta, parameters, Buffer.from(bytes).toString('base64')]));
  }
  return { rows, report: await pipeline.closed };
}

const chain = (source: object, operators: readonly object[], stage: object = {}): object => ({
  sources: { s: source },
  stages: operators.length > 0 ? { work: { from: 's', operators, ...stage } } : {},
  sinks: { out: { type: 'iterate', from: operators.length > 0 ? 'work' : 's' } },
});

const ends = ({ sources }: Report): object => {
  const { received, delivered, merged, filtered, dead } = sources.s!.ledger;
  return { received, delivered, merged, filtered, dead };
};

describe('records of parcels', () => {
  const cases: [string, readonly object[], object?][] = [
    ['no operator', []],
    ['all passed on', [{ type: 'veto', min: 0 }]],
    ['every third filtered', [byNumber({ dropAt: 3 })]],
    ['all filtered', [byNumber({ dropAt: 1 })]],
    ['every record copied', [byNumber({ copies: 1 })]],
    ['three of each, with meta of their own', [byNumber({ copies: 3, meta: true })]],
    ['three of every fifth, the others passed, some filtered', [byNumber({ copies: 3, copyAt: 5, dropAt: 4 })]],
    ['an operator that fails on every seventh', [byNumber({ throwAt: 7, copies: 2 })]],
    ['means of ten', [{ type: 'accumulate', frames: 10 }]],
    ['a chain of three', [byNumber({ dropAt: 3 }), byNumber({ copies: 2 }), byNumber({ throwAt: 11 })]],
    ['an asynchronous operator', [byNumber({ copies: 2, copyAt: 2, throwAt: 7, later: true })]],
    ['three workers in order', [byNumber({ copies: 2, copyAt: 3, throwAt: 7 })], { workers: 3 }],
  ];
  it.each(sized([cases[6]!, cases[11]!], cases))(
    'come and count as frames do: %s',
    async (_: string, operators: readonly object[], stage?: object) => {
      const plain = await seen(chain(counter(), operators, stage));
      const parcels = await seen(chain(counter(PARCEL), operators, stage));
      expect(parcels.report).toMatchObject({ ok: true, balanced: true });
      expect(parcels.rows).toEqual(plain.rows);
      expect(ends(parcels.report)).toEqual(ends(plain.report));
      // Payload, without the heads of records.
      expect(parcels.report.sources.s!.bytes).toBe(FRAMES * 48);
      if (operators.length > 0) expect(parcels.report.stages.work).toMatchObject({ frames: FRAMES, bytes: FRAMES * 48 });
    },
  );

  it('end on each way by themselves, and each counts once by its worst', async () => {
    const { report } = await runPipeline({
      sources: { s: counter(PARCEL) },
      stages: {
        half: { from: 's', operators: [byNumber({ dropAt: 2 })] },
        third: { from: 's', operators: [byNumber({ throwAt: 7, dropAt: 3 })] },
      },
      sinks: { a: { type: 'null', from: 'half', checksum: true }, b: { type: 'null', from: 'third', checksum: true } },
    });
    const numbers = Array.from({ length: FRAMES }, (_, n) => n);
    const dead = numbers.filter((n) => n % 7 === 0).length;
    const filtered = numbers.filter((n) => n % 7 !== 0 && n % 6 === 0).length;
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(ends(report)).toEqual({
      received: FRAMES,
      delivered: FRAMES - dead - filtered,
      merged: 0,
      filtered,
      dead: { 'operator-failed': dead },
    });
    expect(report.sinks.a!.delivered).toBe(FRAMES / 2);
    expect(report.sinks.b!.delivered).toBe(numbers.filter((n) => n % 7 !== 0 && n % 3 !== 0).length);
  });

  it('end behind one another: what a first stage filtered is not delivered by the last', async () => {
    const { report } = await runPipeline({
      sources: { s: counter(PARCEL) },
      stages: {
        one: { from: 's', operators: [byNumber({ dropAt: 2 })] },
        two: { from: 'one', operators: [byNumber({ throwAt: 5 })] },
        three: { from: 'two', operators: [byNumber({ dropAt: 3, copies: 1 })] },
      },
      sinks: { a: { type: 'null', from: 'three', checksum: true }, b: { type: 'null', from: 'two', checksum: true } },
    });
    const odd = Array.from({ length: FRAMES / 2 }, (_, i) => 2 * i + 1);
    const dead = odd.filter((n) => n % 5 === 0).length;
    expect(ends(report)).toEqual({
      received: FRAMES,
      delivered: odd.length - dead,
      merged: 0,
      filtered: FRAMES / 2,
      dead: { 'operator-failed': dead },
    });
    expect(report.sinks.a!.delivered).toBe(odd.filter((n) => n % 5 !== 0 && n % 3 !== 0).length);
  });

  it('a sink refuses are dead, each with a letter, and the others of the parcel are delivered', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'parcels-'));
    const { report } = await runPipeline({
      sources: { s: counter({ ...PARCEL, frames: 400 }) },
      stages: { spoil: { from: 's', operators: [{ type: operatorPath('spoil-number'), at: 9 }] } },
      sinks: { a: { type: 'null', from: 'spoil', checksum: true } },
      deadLetters: { directory },
    });
    const dead = Math.ceil(400 / 9);
    expect(ends(report)).toEqual({ received: 400, delivered: 400 - dead, merged: 0, filtered: 0, dead: { 'sink-refused': dead } });
    expect(report.sinks.a).toMatchObject({ delivered: 400 - dead, refused: dead });
    expect(readdirSync(directory).length).toBe(dead);
  });

  it('of a dropping edge go as whole parcels, and count one by one', async () => {
    const { report } = await runPipeline({
      sources: { s: counter({ ...PARCEL, frames: 30_000 }) },
      stages: { some: { from: 's', operators: [byNumber({ dropAt: 4 })] } },
      sinks: { slow: { type: 'null', from: 'some', delayMs: 0.2, overflow: 'drop-oldest', capacity: 2 } },
    });
    const { ledger } = report.sources.s!;
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(ledger.received).toBe(30_000);
    expect(accounted(ledger)).toBe(30_000);
    expect(ledger.filtered).toBe(7500);
    expect(ledger.dropped['drop-oldest']).toBeGreaterThan(1000);
    expect(ledger.delivered).toBe(report.sinks.slow!.delivered);
  });

  it.each([2 ** 31 - 7, 2 ** 32 - 7])('count across ordinal %i', async (startOrdinal) => {
    const { rows, report } = await seen(chain(counter(PARCEL), [byNumber({ dropAt: 3 })]), { startOrdinal });
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(rows.length).toBe(report.sources.s!.ledger.delivered);
    expect(report.sources.s!.ledger.received).toBe(FRAMES);
    expect(report.sources.s!.ledger.delivered + report.sources.s!.ledger.filtered).toBe(FRAMES);
  });

  it('larger than a parcel go alone, in their place; larger than maxFrame they are refused', async () => {
    const { logger } = recordingLogger();
    const pipeline = new Pipeline(
      specFromObject({
        version: 1,
        failOn: 'none',
        sources: { s: { type: 'push', maxFrame: '16KiB', parcel: { bytes: 4096 } } },
        sinks: { out: { type: 'iterate', from: 's' } },
      }),
      { logger },
    );
    await pipeline.start();
    // A parcel of 4096 holds one record of 4032 with times and kind of its own, and not one of 4033.
    const lengths = [10, 0, 4031, 4032, 4033, 4096, 16_384, 16_385, 1, 0];
    const source = pipeline.source('s');
    const pushed = (async () => {
      for (const length of lengths) {
        const push = source.push({ data: new Uint8Array(length).fill(length & 0xff) });
        if (length > 16_384) await expect(push).rejects.toMatchObject({ code: 'ERR_MESSAGE_TOO_LARGE' });
        else await push;
      }
      source.end();
    })();
    const got: number[] = [];
    for await (const { bytes } of pipeline.sink('out')) {
      got.push(bytes.length);
      expect(bytes.every((byte) => byte === (bytes.length & 0xff))).toBe(true);
    }
    await pushed;
    const report = await pipeline.closed;
    expect(got).toEqual(lengths.filter((length) => length <= 16_384));
    expect(report.sources.s!.ledger).toMatchObject({ received: 10, delivered: 9, dead: { 'too-large': 1 }, inFlight: 0 });
  });

  it('wait for others no longer than waitUs, and so long when none come', async () => {
    const waitUs = 60_000;
    for (const [wait, least] of [
      [waitUs, waitUs],
      [500, 500],
    ] as const) {
      const { logger } = recordingLogger();
      const pipeline = new Pipeline(
        specFromObject({
          version: 1,
          failOn: 'none',
          sources: { s: { type: 'push', parcel: { waitUs: wait } } },
          sinks: { out: { type: 'iterate', from: 's' } },
        }),
        { logger },
      );
      await pipeline.start();
      const frames = pipeline.sink('out')[Symbol.asyncIterator]();
      await pipeline.source('s').push({ data: new Uint8Array(8) });
      // It comes although nothing follows it and nothing has ended.
      expect((await frames.next()).done).toBe(false);
      const ended = frames.next();
      pipeline.source('s').end();
      expect((await ended).done).toBe(true);
      const { latencyUs } = (await pipeline.closed).sinks.out!;
      expect(latencyUs.max).toBeGreaterThanOrEqual(least * 0.95); // a histogram's cell is a few percent wide
    }
  });

  itFull('of two series are never in one parcel', async () => {
    const series = { series: 5, frames: 200 };
    const run = (parcel: object) => seen(chain(counter({ ...series, ...parcel }), [{ type: operatorPath('series-aware') }]));
    const plain = await run({});
    const parcels = await run({ parcel: { bytes: '64KiB', waitUs: 1_000_000 } });
    expect(parcels.rows).toEqual(plain.rows);
    expect(parcels.report.sources.s!.series).toHaveLength(40);
    for (const one of parcels.report.sources.s!.series!)
      expect(one).toMatchObject({ ledger: { received: one.ledger.delivered, inFlight: 0 } });
    expect(parcels.report.sources.s!.series!.map(({ ledger }) => ledger.received)).toEqual(
      plain.report.sources.s!.series!.map(({ ledger }) => ledger.received),
    );
  });

  it('of a parcel that is not 4KiB to 16MiB are refused with the place', async () => {
    const pipeline = new Pipeline(
      specFromObject({
        version: 1,
        failOn: 'none',
        sources: { s: { type: 'push', parcel: { bytes: '1KiB' } } },
        sinks: { out: { type: 'null', from: 's' } },
      }),
    );
    await expect(pipeline.start()).rejects.toMatchObject({ code: 'ERR_CONFIG_PROMISE' });
  });

  it('cannot be joined, and the plan says so', async () => {
    const pipeline = new Pipeline(
      specFromObject({
        version: 1,
        failOn: 'none',
        sources: { s: { type: 'push', ...PARCEL } },
        stages: {
          a: { from: 's', operators: [{ type: 'veto', min: 0 }] },
          b: { from: 's', operators: [{ type: 'veto', min: 0 }] },
          both: { from: ['a', 'b'], operators: [{ type: 'join', by: 'ordinal' }] },
        },
        sinks: { out: { type: 'null', from: 'both' } },
      }),
    );
    await expect(pipeline.start()).rejects.toMatchObject({ code: 'ERR_CONFIG_PROMISE', message: expect.stringContaining('parcels') });
  });

  it(`in workers that die ${DEATHS} times come exactly once, none missing, whatever the step`, { timeout: 400_000 }, async () => {
    console.log(`seed ${SEED}`);
    const random = seeded(SEED);
    const steps = [83, 84, 72, 83, 84, 73, 70, 71, 62, 63, 52, 12];
    const hits = new SharedArrayBuffer(4 * 128);
    const { logger } = recordingLogger();
    const workers = 2;
    const pipeline = new Pipeline(
      specFromObject({
        version: 1,
        failOn: 'none',
        sources: { s: counter({ frames: undefined, rate: 20_000, parcel: { bytes: 4096 } }) },
        stages: { work: { from: 's', workers, attempts: 100, operators: [byNumber({ dropAt: 3, throwAt: 7, copies: 1, copyAt: 2 })] } },
        sinks: { read: { type: 'iterate', from: 'work' }, checked: { type: 'null', from: 'work', checksum: true, order: 'none' } },
      }),
      { logger, fault: { file: 'ring.fault.wasm', hits, seed: SEED, workers: 1000, steps, within: 30 } },
    );
    await pipeline.start();
    const numbers: number[] = [];
    const reading = (async () => {
      for await (const { sequence } of pipeline.sink('read')) numbers.push(sequence);
    })();
    let over = false;
    void pipeline.closed.then(() => {
      over = true;
    });
    let terminated = 0;
    const words = new Int32Array(hits);
    const isDone = (): boolean => pipeline.report().stages.work!.restarts >= DEATHS && (!isFull || (words[83]! > 0 && words[84]! > 0));
    while (!over && !isDone()) {
      await delay(60 + random(100));
      if (pipeline.terminateWorker('work', random(workers))) terminated++;
    }
    const report = await pipeline.stop();
    await reading;
    const { ledger } = report.sources.s!;
    console.log(
      `${report.stages.work!.restarts} deaths (${terminated} terminated; at steps ${[...new Set(steps)].map((step) => `${step}: ${words[step]}`).join(', ')}), ${report.stages.work!.redispatched} records done again, ${ledger.received} received`,
    );
    const all = Array.from({ length: ledger.received }, (_, n) => n);
    const expected = all.filter((n) => n % 7 !== 0 && n % 3 !== 0);
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(report.stages.work!.restarts).toBeGreaterThanOrEqual(DEATHS);
    expect(report.stages.work!.redispatched).toBeGreaterThan(0);
    if (isFull) expect(Math.min(words[83]!, words[84]!)).toBeGreaterThan(0);
    expect(numbers).toEqual(expected);
    expect(ends(report)).toEqual({
      received: all.length,
      delivered: expected.length,
      merged: 0,
      filtered: all.filter((n) => n % 7 !== 0 && n % 3 === 0).length,
      dead: { 'operator-failed': all.filter((n) => n % 7 === 0).length },
    });
    expect(report.sinks.checked!.delivered).toBe(expected.length);
  });
});
