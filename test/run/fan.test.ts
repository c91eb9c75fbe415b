import { describe, expect, it } from 'vitest';
import { accounted, operatorPath, Pipeline, recordingLogger, runPipeline, specFromObject } from '../support/run-pipeline.js';
import { itFull, sized } from '../support/test-size.js';

const SEED = 77;
const counter = (frames: number, seed = SEED): object => ({
  type: 'sim',
  pattern: 'counter',
  shape: [1, 24],
  dtype: 'uint16',
  seed,
  frames,
});
const checksum = (from: string | string[], more: object = {}): object => ({ type: 'null', from, checksum: true, ...more });
const rising = (dense: boolean): object => ({ type: operatorPath('rising'), dense });
const copy = { type: operatorPath('copy'), dawdle: 20 };
const troubles = (lines: readonly { level: string }[]): unknown[] => lines.filter(({ level }) => level === 'warn' || level === 'error');

describe('fan-out', () => {
  it('a frame counts once, by its worst leaf, whatever the three branches do with it', async () => {
    const frames = sized(4000, 20_000);
    const { report, lines } = await runPipeline({
      sources: { s: counter(frames) },
      stages: {
        half: { from: 's', operators: [{ type: operatorPath('every'), n: 2, at: 0 }] },
        third: { from: 's', overflow: { sample: 3 }, workers: 2, operators: [copy] },
        all: { from: 's', workers: 2, operators: [copy] },
      },
      sinks: { a: checksum('half'), b: checksum('third', { required: true }), c: checksum('all') },
    });
    expect(troubles(lines)).toEqual([]);
    expect(report).toMatchObject({ ok: true, balanced: true });
    const { ledger } = report.sources.s!;
    const sampled = frames - Math.ceil(frames / 3);
    // Two of three are dropped on one branch: worse than delivered or filtered on the others.
    expect(ledger).toMatchObject({
      received: frames,
      dropped: { sampled },
      delivered: frames - sampled,
      filtered: 0,
      dead: {},
      inFlight: 0,
    });
    expect(report.sinks.a!.delivered).toBe(frames / 2);
    expect(report.sinks.b!.delivered).toBe(frames - sampled);
    expect(report.sinks.c!.delivered).toBe(frames);
  });

  it('a dead leaf outweighs a drop, and a delivery a filter', async () => {
    const frames = 3000;
    const { report } = await runPipeline({
      sources: { s: counter(frames) },
      stages: {
        bad: { from: 's', attempts: 1, operators: [{ type: operatorPath('faults'), kind: 'throw', every: 10, at: 3 }] },
        none: { from: 's', operators: [{ type: operatorPath('every'), n: 1, at: 5 }] },
      },
      sinks: { a: checksum('bad'), b: checksum('s', { overflow: { sample: 2 }, required: true }), c: checksum('none') },
    });
    const { ledger } = report.sources.s!;
    // Ordinals 3, 13, 23, ... are dead and sampled away: dead. The other odd ones are sampled. The even ones are delivered.
    expect(ledger).toMatchObject({
      dead: { 'operator-failed': frames / 10 },
      dropped: { sampled: frames / 2 - frames / 10 },
      delivered: frames / 2,
      filtered: 0,
    });
    expect(report.sinks.c!.delivered).toBe(0);
  });

  it('policies beside each other keep to themselves: a slow dropping branch does not hold up a blocking one', async () => {
    const frames = 5000;
    const { report, lines } = await runPipeline({
      sources: { s: counter(frames) },
      sinks: {
        slow: checksum('s', { overflow: 'drop-newest', capacity: 2, delayMs: 1 }),
        newest: checksum('s', { overflow: 'latest', capacity: 4, delayMs: 1 }),
        oldest: checksum('s', { overflow: 'drop-oldest', capacity: 4, delayMs: 1 }),
        all: checksum('s'),
      },
    });
    expect(troubles(lines)).toEqual([]);
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(report.sinks.all!.delivered).toBe(frames);
    const { ledger } = report.sources.s!;
    expect(accounted(ledger)).toBe(frames);
    for (const sink of ['slow', 'newest', 'oldest']) {
      expect(report.sinks[sink]!.delivered).toBeGreaterThan(0);
      expect(report.sinks[sink]!.delivered).toBeLessThan(frames);
    }
  });

  it('what is passed on without a copy reaches every branch behind a stage, intact and in order', async () => {
    const frames = sized(4000, 20_000);
    const { report, lines } = await runPipeline(
      {
        sources: { s: counter(frames) },
        stages: {
          pass: { from: 's', operators: [rising(true)] },
          left: { from: 'pass', attempts: 1, operators: [rising(true)] },
          right: { from: 'pass', attempts: 1, operators: [{ type: operatorPath('every'), n: 3, at: 1 }, rising(false)] },
        },
        sinks: { a: checksum('left'), b: checksum('right'), c: checksum('pass'), d: checksum('left') },
      },
      { poison: true },
    );
    expect(troubles(lines)).toEqual([]);
    expect(report.sources.s!.ledger).toMatchObject({ received: frames, delivered: frames, dead: {} });
    expect(['a', 'b', 'c', 'd'].map((sink) => report.sinks[sink]!.delivered)).toEqual([
      frames,
      Math.floor((frames + 1) / 3),
      frames,
      frames,
    ]);
  });
});

describe('fan-in', () => {
  it('keeps the order of each of two sources, behind two workers', async () => {
    const frames = sized(3000, 10_000);
    const { report, lines } = await runPipeline({
      sources: { s: counter(frames), t: counter(frames, SEED + 1) },
      stages: {
        work: { from: ['s', 't'], workers: 2, operators: [copy] },
        check: { from: 'work', attempts: 1, operators: [rising(true)] },
      },
      sinks: { out: checksum('check') },
    });
    expect(troubles(lines)).toEqual([]);
    expect(report).toMatchObject({ ok: true, balanced: true });
    for (const name of ['s', 't']) expect(report.sources[name]!.ledger).toMatchObject({ received: frames, delivered: frames });
    expect(report.sinks.out!.delivered).toBe(2 * frames);
  });

  it('ends when the last of its sources has ended, whatever is left of the others', async () => {
    const { report } = await runPipeline({
      sources: { s: counter(10), t: counter(4000, 5) },
      stages: { work: { from: ['s', 't'], workers: 2, operators: [copy] } },
      sinks: { out: checksum(['work', 's']), only: checksum('t') },
    }).catch((error: unknown) => ({ report: error as never }));
    // 's' reaches 'out' by two ways: refused.
    expect(String(report)).toContain('more than one way');
    const { report: second } = await runPipeline({
      sources: { s: counter(10), t: counter(4000, 5) },
      stages: { work: { from: ['s', 't'], workers: 2, operators: [copy] } },
      sinks: { out: checksum(['work', 's'], { order: 'none' }), only: checksum('t') },
    });
    expect(second).toMatchObject({ ok: true, balanced: true });
    expect(second.sources.s!.ledger.delivered).toBe(10);
    expect(second.sinks.out!.delivered).toBe(4020);
  });
});

describe('a diamond', () => {
  const diamond = (order: 'preserve' | 'none'): object => ({
    sources: { s: counter(5000) },
    stages: {
      left: { from: 's', workers: 2, operators: [copy] },
      right: { from: 's', operators: [{ type: operatorPath('every'), n: 2, at: 0 }] },
      join: { from: ['left', 'right'], order, operators: [{ type: operatorPath('copy') }] },
    },
    sinks: { out: checksum('join', { order }) },
  });

  it('is refused where order is promised', async () => {
    expect(() => specFromObject({ version: 1, ...diamond('preserve') })).toThrow(/more than one way/);
  });

  it('delivers both copies and counts the frame once, without order', async () => {
    const { report, lines } = await runPipeline(diamond('none'), { poison: true });
    expect(troubles(lines)).toEqual([]);
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(report.sources.s!.ledger).toMatchObject({ received: 5000, delivered: 5000, filtered: 0 });
    expect(report.sinks.out!.delivered).toBe(7500);
  });
});

describe('stages in a row', () => {
  itFull('two with several workers each keep the order', async () => {
    const frames = sized(4000, 20_000);
    const { report, lines } = await runPipeline(
      {
        sources: { s: counter(frames) },
        stages: {
          one: { from: 's', workers: 2, operators: [copy] },
          two: { from: 'one', workers: 3, operators: [copy, { type: operatorPath('every'), n: 7, at: 2 }] },
          check: { from: 'two', attempts: 1, operators: [rising(false)] },
        },
        sinks: { out: checksum('check') },
      },
      { poison: true },
    );
    expect(troubles(lines)).toEqual([]);
    const delivered = Math.ceil((frames - 2) / 7);
    expect(report.sources.s!.ledger).toMatchObject({ received: frames, delivered, filtered: frames - delivered, dead: {} });
  });

  it('accumulate merges all but the last of N, and what is left over counts as merged', async () => {
    const { report } = await runPipeline({
      sources: { s: { type: 'sim', pattern: 'noise', shape: [8, 8], frames: 1003, pool: 2 } },
      stages: { mean: { from: 's', operators: [{ type: 'accumulate', frames: 10 }] } },
      sinks: { out: { type: 'null', from: 'mean' } },
    });
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(report.sources.s!.ledger).toMatchObject({ received: 1003, delivered: 100, merged: 903, filtered: 0 });
  });
});

interface Got {
  readonly ordinal: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly shape: readonly number[];
  readonly first: number;
  readonly meta: Record<string, unknown>;
}

/** Pushes frames [i, i + 1, i + 2] of uint16 and returns what comes out. */
async function throughStages(
  stages: object,
  from: string,
  frames: number,
): Promise<{ got: Got[]; report: Awaited<ReturnType<typeof runPipeline>>['report'] }> {
  const { logger } = recordingLogger();
  const pipeline = new Pipeline(
    specFromObject({
      version: 1,
      failOn: 'none',
      sources: { s: { type: 'push', maxFrame: 1024 } },
      stages,
      sinks: { out: { type: 'iterate', from } },
    }),
    { logger, poison: true },
  );
  await pipeline.start();
  const got: Got[] = [];
  const reading = (async () => {
    for await (const { ordinal, sequence, timestamp, shape, data, meta } of pipeline.sink('out'))
      got.push({ ordinal, sequence, timestamp, shape, first: Number(data[0]), meta: meta as Record<string, unknown> });
  })();
  for (let i = 0; i < frames; i++)
    await pipeline
      .source('s')
      .push({ data: Uint16Array.of(i, i + 1, i + 2), sequence: 5000 + 2 * i, timestamp: 1e9 + i / 4, meta: { run: 'a', i } });
  pipeline.source('s').end();
  const report = await pipeline.closed;
  await reading;
  return { got, report };
}

describe('what a frame carries', () => {
  it('sequence, timestamp and meta travel through passing and making stages', async () => {
    const stages = {
      pass: { from: 's', operators: [{ type: operatorPath('every'), n: 1, at: 0 }] },
      make: { from: 'pass', workers: 2, operators: [copy, copy] },
    };
    const { got, report } = await throughStages(stages, 'make', 200);
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(got).toEqual(
      Array.from({ length: 200 }, (_, i) => ({
        ordinal: i,
        sequence: 5000 + 2 * i,
        timestamp: 1e9 + i / 4,
        shape: [3],
        first: i,
        meta: { run: 'a', i },
      })),
    );
    // The sender counted by two: the numbers between never came.
    expect(report.sources.s!.verdict).toMatchObject({ state: 'incomplete' });
  });

  it('an input that becomes three travels as one, and the second and third say which they are', async () => {
    const { got, report } = await throughStages(
      { three: { from: 's', workers: 2, operators: [{ type: operatorPath('triple') }] } },
      'three',
      100,
    );
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(report.sources.s!.ledger).toMatchObject({ received: 100, delivered: 100 });
    expect(report.sinks.out!.delivered).toBe(300);
    expect(got.map(({ ordinal, first, meta }) => [ordinal, first, meta.output ?? 0])).toEqual(
      Array.from({ length: 300 }, (_, k) => [Math.floor(k / 3), Math.floor(k / 3) * ((k % 3) + 1), k % 3]),
    );
    expect(got.every(({ meta, ordinal }) => meta.run === 'a' && meta.i === ordinal)).toBe(true);
  });

  itFull('three of three are nine, through a chain and through two stages', async () => {
    const triple = { type: operatorPath('triple') };
    const factors = [1, 2, 3, 2, 4, 6, 3, 6, 9];
    const expected = Array.from({ length: 450 }, (_, k) => [Math.floor(k / 9), Math.floor(k / 9) * factors[k % 9]!]);
    const chain = await throughStages({ nine: { from: 's', workers: 2, operators: [triple, triple] } }, 'nine', 50);
    expect(chain.got.map(({ ordinal, first }) => [ordinal, first])).toEqual(expected);
    const row = await throughStages(
      { a: { from: 's', workers: 2, operators: [triple] }, b: { from: 'a', workers: 2, operators: [triple] } },
      'b',
      50,
    );
    expect(row.got.map(({ ordinal, first }) => [ordinal, first])).toEqual(expected);
    expect(row.report).toMatchObject({ ok: true, balanced: true });
    expect(row.report.sources.s!.ledger).toMatchObject({ received: 50, delivered: 50 });
  });

  itFull('a chain that branches is freed once: the pool does not run dry', async () => {
    const { report } = await runPipeline(
      {
        sources: { s: counter(20_000) },
        stages: {
          three: { from: 's', workers: 2, slots: 33, operators: [{ type: operatorPath('triple') }] },
          pass: { from: 'three', operators: [{ type: operatorPath('every'), n: 2, at: 1 }] },
        },
        sinks: {
          a: { type: 'null', from: 'three' },
          b: { type: 'null', from: 'pass' },
          c: { type: 'null', from: 'pass', overflow: { sample: 3 } },
        },
      },
      { poison: true },
    );
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(report.sinks.a!.delivered).toBe(60_000);
    expect(report.sinks.b!.delivered).toBe(30_000);
  });
});
