import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { seeded } from '../support/arena.js';
import { accounted, operatorPath, Pipeline, recordingLogger, specFromObject } from '../support/run-pipeline.js';
import { itFull, sized, testSize } from '../support/test-size.js';

const DEATHS = testSize('MILLRACE_TEST_KILLS', 5, 50);
const SEED = Number(process.env.MILLRACE_TEST_SEED ?? Date.now() % 1e9);
const PARCEL = { bytes: 4096 };
const sim = { type: 'sim', pattern: 'counter', shape: [1, 24], dtype: 'uint8' };
const push = { type: 'push', maxFrame: 64, parcel: PARCEL };
const who = { type: operatorPath('who') };
const inOrder = (options: object): object => ({ type: operatorPath('by-number-in-order'), ...options });

interface Seen {
  readonly source: string;
  readonly ordinal: number;
  readonly sequence: number;
  readonly worker: number;
  readonly meta: Readonly<Record<string, unknown>>;
}

type Running = InstanceType<typeof Pipeline>;

/** Runs a pipeline; what its sink `out` read, in order. */
async function run(description: object, during: (pipeline: Running) => unknown = () => {}, options: object = {}) {
  const { logger } = recordingLogger();
  const pipeline = new Pipeline(specFromObject({ version: 1, failOn: 'none', ...description }), { logger, ...options });
  await pipeline.start();
  const seen: Seen[] = [];
  const reading = (async () => {
    for await (const { source, ordinal, sequence, meta } of pipeline.sink('out'))
      seen.push({ source, ordinal, sequence, worker: meta.worker as number, meta });
  })();
  await during(pipeline);
  await reading;
  const report = await pipeline.closed;
  expect(report).toMatchObject({ ok: true, balanced: true });
  return { seen, report };
}

/** Each key by one worker only, its records by rising number. How many workers had any. */
function expectKept(seen: readonly Seen[], keyOf: (record: Seen) => unknown): number {
  const workers = new Map<unknown, number>();
  const last = new Map<unknown, number>();
  for (const record of seen) {
    const key = keyOf(record);
    if (!workers.has(key)) workers.set(key, record.worker);
    expect(record.worker, `key ${key}`).toBe(workers.get(key));
    const source = `${key} ${record.source}`;
    if (last.has(source)) expect(record.sequence, `key ${key}`).toBeGreaterThan(last.get(source)!);
    last.set(source, record.sequence);
  }
  return new Set(workers.values()).size;
}

/** 32-bit FNV-1a of docs/reference/pipeline.md, in BigInt. */
function fnv(value: unknown): number {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  let sum = 0x811c9dc5n;
  for (let i = 0; i < text.length; i++) sum = ((sum ^ BigInt(text.charCodeAt(i))) * 0x01000193n) & 0xffffffffn;
  return Number(sum ^ (sum >> 15n));
}

const VALUES = ['north', 'south', 'é', 7, [1, 2], undefined];

/** Pushes records whose key `detector` is that of `keyFor`. */
const pushing =
  (records: number, keyFor: (i: number) => unknown) =>
  async (pipeline: Running): Promise<void> => {
    const source = pipeline.source('s');
    for (let i = 0; i < records; i++) {
      const detector = keyFor(i);
      await source.push({ data: Uint8Array.of(i), meta: { i, ...(detector === undefined ? {} : { detector }) } });
    }
    source.end();
  };

const numbers = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe('records of a parcel in a keyed stage', () => {
  for (const [name, keyFor] of [
    ...sized([], [['mixed', (i: number) => VALUES[i % VALUES.length]]] as const),
    ['in runs', (i: number) => VALUES[Math.floor(i / 50) % VALUES.length]],
  ] as const) {
    it(`by a key of the meta, ${name}: each goes to the worker of its key, in order`, { timeout: 60_000 }, async () => {
      const { seen, report } = await run(
        {
          sources: { s: push },
          stages: { work: { from: 's', workers: 3, key: { meta: 'detector' }, operators: [who] } },
          sinks: { out: { type: 'iterate', from: 'work', order: 'none' } },
        },
        pushing(1800, keyFor),
      );
      expect(seen).toHaveLength(1800);
      expect(expectKept(seen, ({ meta }) => JSON.stringify(meta.detector))).toBe(new Set(VALUES.map((value) => fnv(value) % 3)).size);
      for (const { sequence, worker } of seen) expect(worker).toBe(fnv(keyFor(sequence)) % 3);
      // Records were put together where they could be: a parcel has one ordinal.
      if (name === 'in runs') expect(new Set(seen.map(({ ordinal }) => ordinal)).size).toBeLessThan(1500);
      expect(report.sources.s!.ledger).toMatchObject({ received: 1800, delivered: 1800, inFlight: 0 });
    });
  }

  itFull(
    'keep the order of the source for who takes them in order, behind a stage that filters and copies',
    { timeout: 60_000 },
    async () => {
      const random = seeded(SEED);
      const values = numbers(2000).map(() => VALUES[random(VALUES.length)]);
      const { seen, report } = await run(
        {
          sources: { s: push },
          stages: {
            before: { from: 's', operators: [inOrder({ dropAt: 3, copies: 1, copyAt: 2, throwAt: 11 })] },
            work: { from: 'before', workers: 4, key: { meta: 'detector' }, operators: [who] },
          },
          sinks: { out: { type: 'iterate', from: 'work' } },
        },
        pushing(2000, (i) => values[i]),
      );
      expect(seen.map(({ sequence }) => sequence)).toEqual(numbers(2000).filter((i) => i % 11 !== 0 && i % 3 !== 0));
      for (const { sequence, worker } of seen) expect(worker).toBe(fnv(values[sequence]) % 4);
      expect(report.sources.s!.ledger.dead).toEqual({ 'operator-failed': numbers(2000).filter((i) => i % 11 === 0).length });
    },
  );

  it('go the right way at each of several keyed stages', { timeout: 60_000 }, async () => {
    const { seen } = await run(
      {
        sources: { s: push },
        stages: {
          first: { from: 's', workers: 2, key: { meta: 'detector' }, operators: [{ type: 'veto', min: 0 }] },
          work: { from: 'first', workers: 3, order: 'none', key: { meta: 'i' }, operators: [who] },
        },
        sinks: { out: { type: 'iterate', from: 'work', order: 'none' } },
      },
      pushing(500, (i) => VALUES[Math.floor(i / 9) % VALUES.length]),
    );
    expect(seen).toHaveLength(500);
    for (const { sequence, worker } of seen) expect(worker).toBe(fnv(sequence) % 3);
  });

  it('whose key an operator changes are dead where they would go another way than their parcel, and only those', async () => {
    const to = 'south';
    const keyFor = (i: number): string => (Math.floor(i / 100) % 2 === 0 ? 'north' : 'south');
    expect(fnv('north') % 2).not.toBe(fnv('south') % 2);
    const { seen, report } = await run(
      {
        sources: { s: push },
        stages: {
          set: { from: 's', operators: [{ type: operatorPath('set-key'), at: 5, to }] },
          work: { from: 'set', workers: 2, key: { meta: 'detector' }, operators: [who] },
        },
        sinks: { out: { type: 'iterate', from: 'work' } },
      },
      pushing(1000, keyFor),
    );
    const dies = (i: number): boolean => i % 5 === 0 && keyFor(i) !== to;
    expect(seen.map(({ sequence }) => sequence)).toEqual(numbers(1000).filter((i) => !dies(i)));
    for (const { sequence, worker } of seen) expect(worker).toBe(fnv(keyFor(sequence)) % 2);
    expect(report.sources.s!.ledger).toMatchObject({ delivered: 900, dead: { 'operator-output': 100 } });
  });

  itFull('by source, and by ordinals, go with their parcel', { timeout: 60_000 }, async () => {
    const sources = { a: { ...sim, frames: 900, parcel: PARCEL }, b: { ...sim, frames: 900, parcel: PARCEL }, c: { ...sim, frames: 900 } };
    const bySource = await run({
      sources,
      stages: { work: { from: ['a', 'b', 'c'], workers: 2, key: 'source', operators: [who] } },
      sinks: { out: { type: 'iterate', from: 'work', order: 'none' } },
    });
    expect(bySource.seen).toHaveLength(2700);
    for (const { source, worker } of bySource.seen) expect(worker).toBe('abc'.indexOf(source) % 2);
    const byOrdinal = await run({
      sources: { s: { ...sim, frames: 9000, parcel: PARCEL } },
      stages: { work: { from: 's', workers: 3, key: { ordinal: 2 }, operators: [who] } },
      sinks: { out: { type: 'iterate', from: 'work' } },
    });
    expect(byOrdinal.seen.map(({ sequence }) => sequence)).toEqual(numbers(9000));
    for (const { ordinal, worker } of byOrdinal.seen) expect(worker).toBe(Math.floor(ordinal / 2) % 3);
  });

  it(`come once each, at their worker and in order, though workers die ${DEATHS} times, seed ${SEED}`, { timeout: 180_000 }, async () => {
    const random = seeded(SEED);
    let sent = 0;
    const keyFor = (i: number): unknown => VALUES[Math.floor(i / 7) % VALUES.length];
    const { seen, report } = await run(
      {
        sources: { s: push },
        stages: {
          work: {
            from: 's',
            workers: 3,
            attempts: 100,
            key: { meta: 'detector' },
            operators: [{ ...who, spinUs: 30 }, inOrder({ dropAt: 5 })],
          },
        },
        sinks: { out: { type: 'iterate', from: 'work', order: 'none' } },
      },
      async (pipeline) => {
        const source = pipeline.source('s');
        let over = false;
        const killing = (async () => {
          const isEnough = (): boolean => {
            const { restarts, redispatched } = pipeline.report().stages.work!;
            return restarts >= DEATHS && redispatched > 0;
          };
          while (!isEnough()) {
            await delay(20 + random(60));
            pipeline.terminateWorker('work', random(3));
          }
          over = true;
        })();
        for (; !over; sent++) {
          const detector = keyFor(sent);
          await source.push({ data: Uint8Array.of(sent), meta: { ...(detector === undefined ? {} : { detector }) } });
          if (sent % 100 === 99) await delay(1);
        }
        await killing;
        source.end();
      },
    );
    const { ledger } = report.sources.s!;
    console.log(`${report.stages.work!.restarts} deaths, ${report.stages.work!.redispatched} records done again, ${sent} sent`);
    expect(report.stages.work!.restarts).toBeGreaterThanOrEqual(DEATHS);
    expect(report.stages.work!.redispatched).toBeGreaterThan(0);
    expect(ledger).toMatchObject({ received: sent, dead: {}, inFlight: 0 });
    expect(accounted(ledger)).toBe(sent);
    expectKept(seen, ({ meta }) => JSON.stringify(meta.detector));
    for (const { sequence, worker } of seen) expect(worker).toBe(fnv(keyFor(sequence)) % 3);
    expect(seen.map(({ sequence }) => sequence).sort((a, b) => a - b)).toEqual(numbers(sent).filter((i) => i % 5 !== 0));
  });
});
