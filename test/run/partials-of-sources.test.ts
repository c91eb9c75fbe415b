import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { seeded } from '../support/arena.js';
import { blocks, type Read, readIterates } from '../support/read-iterates.js';
import { accounted, operatorPath } from '../support/run-pipeline.js';
import { sized, testSize } from '../support/test-size.js';

const DEATHS = testSize('MILLRACE_TEST_KILLS', 5, 50);
const SEED = Number(process.env.MILLRACE_TEST_SEED ?? Date.now() % 1e9);
const SHAPE = [2, 3];
const sim = (seed: number, more: object): object => ({
  type: 'sim',
  pattern: 'noise',
  shape: SHAPE,
  dtype: 'uint16',
  pool: 0,
  seed,
  ...more,
});
const PARCEL = { parcel: { bytes: 4096 } };

const sum = (numbers: readonly number[]): number => numbers.reduce((all, n) => all + n, 0);
const from = (read: readonly Read[], name: string): Read[] => read.filter(({ source }) => source === name);
/** Every one of these runs goes well. */
async function run(...given: Parameters<typeof readIterates>): ReturnType<typeof readIterates> {
  const ran = await readIterates(...given);
  expect(ran.report).toMatchObject({ ok: true, balanced: true });
  return ran;
}

describe('partials of several sources in one stage', () => {
  for (const stage of [
    ...sized([], [{ workers: 1 }]),
    { workers: 3 },
    { workers: 2, deterministic: true, shards: 5 },
    { workers: 2, key: 'source' },
  ]) {
    it(`${JSON.stringify(stage)}: each source has its own results, of its own series`, { timeout: 60_000 }, async () => {
      const { report, read } = await run({
        sources: {
          a: sim(1, { frames: 430, series: 100 }),
          b: sim(2, { frames: 300 }),
          c: sim(3, { frames: 2500, series: 1200, ...PARCEL }),
        },
        stages: { work: { from: ['a', 'b', 'c'], ...stage, operators: [{ type: operatorPath('sum-and-count') }] } },
        sinks: { raw: { type: 'iterate', from: ['a', 'b', 'c'] }, out: { type: 'iterate', from: 'work', order: 'none' } },
      } as never);
      for (const [name, series] of [
        ['a', 100],
        ['b', 300],
        ['c', 1200],
      ] as const) {
        const expected = blocks(from(read.raw!, name), series).map((frames) => [
          sum(frames.map(({ data }) => sum([...data]))),
          frames.length,
        ]);
        expect(from(read.out!, name).map(({ data }) => [...data])).toEqual(expected);
        expect(report.sources[name]!.ledger).toMatchObject({ inFlight: 0, dead: {} });
      }
    });
  }

  it('also behind a join in the same stage, of its first input', { timeout: 60_000 }, async () => {
    const { read } = await run({
      sources: { a: sim(1, { frames: 200, series: 90 }), b: sim(2, { frames: 200, series: 90 }) },
      stages: {
        work: { from: ['a', 'b'], operators: [{ type: 'join', by: 'frame' }, { type: operatorPath('sum-and-count') }] },
      },
      sinks: { raw: { type: 'iterate', from: ['a', 'b'] }, out: { type: 'iterate', from: 'work' } },
    } as never);
    const total = (name: string): number[] =>
      blocks(from(read.raw!, name), 90).map((frames) => sum(frames.map(({ data }) => sum([...data]))));
    const b = total('b');
    expect(read.out!.map(({ source, data }) => [source, ...data])).toEqual(
      total('a').map((value, i) => ['a', value + b[i]!, i < 2 ? 90 : 20]),
    );
  });

  it(`lose with their workers only what those held, of each source, in ${DEATHS} deaths, seed ${SEED}`, { timeout: 400_000 }, async () => {
    const random = seeded(SEED);
    const most = 600_000; // a busy machine needs a second for each death
    const { report, read } = await run(
      {
        failOn: 'none',
        sources: {
          a: sim(1, { frames: most, series: 100, rate: 1500 }),
          b: sim(2, { frames: most, series: 500, rate: 4000, ...PARCEL }),
        },
        stages: {
          work: {
            from: ['a', 'b'],
            workers: 3,
            attempts: 100,
            operators: [{ type: operatorPath('which-record'), spinUs: 100 }],
          },
        },
        sinks: { out: { type: 'iterate', from: 'work', order: 'none' } },
      } as never,
      async (pipeline) => {
        let isOver = false;
        void pipeline.closed.then(() => {
          isOver = true;
        });
        const isEnough = (): boolean => {
          const { stages, sources } = pipeline.report();
          return stages.work!.restarts >= DEATHS && ['a', 'b'].every((name) => sources[name]!.ledger.dead['partial-lost']);
        };
        while (!isOver && !isEnough()) {
          await delay(30 + random(60));
          pipeline.terminateWorker('work', random(3));
        }
        void pipeline.stop();
      },
    );
    expect(report.stages.work!.restarts).toBeGreaterThanOrEqual(DEATHS);
    const dead = sum(['a', 'b'].flatMap((name) => Object.values(report.sources[name]!.ledger.dead)));
    expect(report.stages.work!.aggregates).toEqual({
      results: read.out!.length,
      frames: sum(read.out!.map(({ meta }) => (meta.aggregate as { frames: number }).frames)),
      lost: dead,
    });
    for (const name of ['a', 'b']) {
      const { ledger } = report.sources[name]!;
      const results = from(read.out!, name);
      for (const { data } of results) expect([...data].filter((n) => n > 1)).toEqual([]);
      const inResults = sum(results.map(({ data }) => sum([...data])));
      const lost = sum(Object.values(ledger.dead));
      console.log(`${name}: ${ledger.received} received, ${lost} lost, ${inResults} in ${results.length} results`);
      expect(lost).toBeGreaterThan(0);
      expect(inResults + lost).toBe(ledger.received);
      expect(accounted(ledger)).toBe(ledger.received);
    }
  });
});
