import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { letterNames } from '../../src/dead-letters/letter-directory.js';
import { readLetter } from '../../src/dead-letters/letter-file.js';
import type { Frame } from '../../src/frame/frame.js';
import { checkCounter } from '../../src/ingress/sim/counter.js';
import type { Report } from '../../src/observe/report.js';
import type { FaultInjection } from '../../src/plan/fault-injection.js';
import { seeded } from '../support/arena.js';
import { accounted, operatorPath, Pipeline, recordingLogger, specFromObject } from '../support/run-pipeline.js';
import { itFull, sized, testSize } from '../support/test-size.js';

const SEED = Number(process.env.MILLRACE_TEST_SEED ?? 20_261_124);
const KILLS = testSize('MILLRACE_TEST_KILLS', 3, 50);
const SHAPE = [1, 24];
const FRAME_BYTES = 48;
/** Long enough that nothing in a test ends by it. */
const LONG_MS = 600_000;
/** Of what a worker does that takes from arrays, drops, commits and settles. */
const STEPS = [1, 2, 3, 24, 25, 26, 40, 41, 42, 60, 61, 62, 70, 71, 72, 73, 74, 80, 81, 82];

const counter = (frames: number, more: object = {}): object => ({
  type: 'sim',
  pattern: 'counter',
  shape: SHAPE,
  dtype: 'uint16',
  seed: 7,
  frames,
  ...more,
});
const push = { type: 'push', shape: [1], dtype: 'float64', maxFrame: 64 };
const copy = { type: operatorPath('copy'), dawdle: 20 };
const paired = { type: operatorPath('paired') };

interface Event {
  readonly ordinal: number;
  readonly source: string;
  readonly joined: readonly (readonly [source: string, ordinal: number, sequence: number, timestamp: number, first: number])[];
  readonly bytes: Uint8Array;
  readonly shape: readonly number[];
}
interface Joined {
  readonly report: Report;
  readonly events: readonly Event[];
}

/** Runs a pipeline with a stage `j` that joins and a sink that reads it; `troubles` are the warnings and errors that it may tell of. */
async function runJoin(
  {
    troubles = /^$/,
    readMs = 0,
    fault,
    ...description
  }: { sources: object; stages: object; sinks?: object; deadLetters?: object; troubles?: RegExp; readMs?: number; fault?: FaultInjection },
  during?: (pipeline: InstanceType<typeof Pipeline>) => unknown,
): Promise<Joined> {
  const { logger, lines } = recordingLogger();
  const pipeline = new Pipeline(
    specFromObject({ version: 1, failOn: 'none', sinks: { out: { type: 'iterate', from: 'j' } }, ...description }),
    {
      logger,
      poison: true,
      ...(fault ? { fault } : {}),
    },
  );
  await pipeline.start();
  const events: Event[] = [];
  const reading = (async () => {
    for await (const frame of pipeline.sink('out')) {
      if (readMs > 0) await delay(readMs);
      events.push(eventOf(frame as Frame));
    }
  })();
  await during?.(pipeline);
  const [report] = await Promise.all([pipeline.closed, reading]);
  expect(lines.filter(({ level, message }) => (level === 'warn' || level === 'error') && !troubles.test(message))).toEqual([]);
  expect(report).toMatchObject({ ok: true, balanced: true });
  for (const { ledger } of Object.values(report.sources)) {
    expect(ledger.inFlight).toBe(0);
    expect(accounted(ledger)).toBe(ledger.received);
  }
  return { report, events };
}

function eventOf({ ordinal, source, meta, bytes, shape }: Frame): Event {
  return { ordinal, source, joined: (meta.joined as Event['joined']) ?? [], bytes: bytes.slice(), shape };
}

/** Each part of a stack is the frame of that number, as its checksum says. */
function expectStack({ ordinal, bytes, shape }: Event, parts: number): void {
  if (shape[0] !== parts || shape.length !== 3) expect(shape).toEqual([parts, ...SHAPE]);
  for (let part = 0; part < parts; part++) {
    const verdict = checkCounter(bytes.subarray(part * FRAME_BYTES, (part + 1) * FRAME_BYTES));
    if (!verdict.intact || verdict.number !== ordinal) expect({ ordinal, part, verdict }).toBe('intact');
  }
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const ordinals = (events: readonly Event[]): number[] => events.map(({ ordinal }) => ordinal);

describe('branches of one source', () => {
  it('meet again, whatever overtakes what: each frame once, in order, with its own on all three branches', async () => {
    const frames = sized(1500, 6000);
    const { report, events } = await runJoin({
      sources: { s: counter(frames) },
      stages: {
        a: { from: 's', workers: 2, operators: [copy] },
        b: { from: 's', workers: 3, window: 64, operators: [{ ...copy, dawdle: 200 }] },
        j: { from: ['a', 's', 'b'], operators: [{ type: 'join', by: 'ordinal' }] },
      },
    });
    expect(ordinals(events)).toEqual(range(frames));
    for (const event of events) expectStack(event, 3);
    expect(report.sources.s!.ledger).toMatchObject({ received: frames, delivered: frames, dropped: {}, dead: {} });
    expect(report.stages.j!.frames).toBe(frames);
  });

  itFull('by list the next operator sees all, and what passes on is the frame of the first', async () => {
    const frames = 3000;
    for (const operator of [{ ...paired, passes: true }, { type: operatorPath('paired-async') }]) {
      const { report, events } = await runJoin({
        sources: { s: counter(frames) },
        stages: {
          a: { from: 's', operators: [{ type: 'veto', min: 0 }] },
          b: { from: 's', workers: 2, operators: [copy] },
          j: { from: ['a', 'b'], operators: [{ type: 'join', by: 'ordinal', as: 'list' }, operator] },
        },
      });
      expect(ordinals(events)).toEqual(range(frames));
      for (const { ordinal, bytes } of events) expect(checkCounter(bytes)).toEqual({ number: ordinal, intact: true });
      for (const { joined, ordinal } of events) for (const [, own] of joined) expect(own).toBe(ordinal);
      expect(report.sources.s!.ledger).toMatchObject({ delivered: frames });
    }
  });

  itFull('a frame that one branch filters is unmatched, on either side', async () => {
    const frames = 5000;
    for (const from of [
      ['a', 'b'],
      ['b', 'a'],
    ]) {
      const { report, events } = await runJoin({
        sources: { s: counter(frames) },
        stages: {
          a: { from: 's', workers: 2, operators: [{ type: operatorPath('every'), n: 3, at: 1 }, copy] },
          b: { from: 's', operators: [copy] },
          j: { from, operators: [{ type: 'join', by: 'ordinal' }] },
        },
      });
      const expected = range(frames).filter((n) => n % 3 === 1);
      expect(ordinals(events)).toEqual(expected);
      for (const event of events) expectStack(event, 2);
      expect(report.sources.s!.ledger).toMatchObject({
        delivered: expected.length,
        filtered: 0,
        dropped: { unmatched: frames - expected.length },
      });
    }
  });

  itFull('what one branch or one edge of the join drops has no partner on the other', async () => {
    const frames = 3000;
    for (const [edges, more] of [
      [{ overflow: 'drop-oldest', capacity: 2 }, {}],
      [{}, { overflow: 'drop-oldest', window: 4 }],
    ]) {
      const { report, events } = await runJoin({
        sources: { s: counter(frames, { rate: 10_000 }) },
        stages: {
          a: { from: 's', operators: [copy] },
          b: { from: 's', ...edges, operators: [{ ...copy, dawdle: 4000 }] },
          j: {
            from: ['a', 'b'],
            ...more,
            operators: [
              { type: 'join', by: 'ordinal', as: 'list' },
              { ...paired, busyMs: 0.2 },
            ],
          },
        },
      });
      const { ledger } = report.sources.s!;
      expect(ledger).toMatchObject({ received: frames, filtered: 0, merged: 0, dead: {} });
      expect(ledger.delivered).toBe(events.length);
      expect(events.length).toBeGreaterThan(0);
      expect(events.length).toBeLessThan(frames);
      let last = -1;
      for (const { ordinal, joined } of events) {
        expect(ordinal).toBeGreaterThan(last);
        expect(joined.map(([, own]) => own)).toEqual([ordinal, ordinal]);
        last = ordinal;
      }
    }
  });

  itFull('a stage behind may filter or merge the event: the frame counts as that', async () => {
    const frames = 1000;
    const branches = { a: { from: 's', operators: [copy] }, b: { from: 's', operators: [copy] } };
    const filtered = await runJoin({
      sources: { s: counter(frames) },
      stages: {
        ...branches,
        j: {
          from: ['a', 'b'],
          operators: [
            { type: 'join', by: 'ordinal' },
            { type: operatorPath('every'), n: 4, at: 0 },
          ],
        },
      },
    });
    expect(filtered.report.sources.s!.ledger).toMatchObject({ delivered: frames / 4, filtered: frames - frames / 4, dropped: {} });
    const merged = await runJoin({
      sources: { s: counter(frames) },
      stages: {
        ...branches,
        j: {
          from: ['a', 'b'],
          operators: [
            { type: 'join', by: 'ordinal' },
            { type: 'accumulate', frames: 10, shape: [2, ...SHAPE] },
          ],
        },
      },
    });
    expect(merged.report.sources.s!.ledger).toMatchObject({ delivered: frames / 10, merged: frames - frames / 10, dropped: {} });
  });

  itFull('does not lock with a window of 4, a capacity of 2 and a slow consumer', async () => {
    const frames = 400;
    const narrow = { capacity: 2, window: 4 };
    const { events } = await runJoin({
      sources: { s: counter(frames, { slots: 8 }) },
      stages: {
        a: { from: 's', workers: 2, ...narrow, operators: [{ ...copy, dawdle: 500 }] },
        b: { from: 's', workers: 2, ...narrow, operators: [{ type: operatorPath('every'), n: 2, at: 0 }] },
        j: { from: ['a', 'b'], ...narrow, operators: [{ type: 'join', by: 'ordinal' }] },
      },
      sinks: { out: { type: 'iterate', from: 'j', ...narrow } },
      readMs: 1,
    });
    expect(ordinals(events)).toEqual(range(frames).filter((n) => n % 2 === 0));
  });
});

/** Pushes frames to a source, with pauses by a seed; `numbers` are sequence and data, `times` timestamps. */
async function pushAll(
  pipeline: InstanceType<typeof Pipeline>,
  name: string,
  numbers: readonly number[],
  times: readonly number[],
  seed: number,
): Promise<void> {
  const random = seeded(seed);
  const source = pipeline.source(name);
  for (const [i, sequence] of numbers.entries()) {
    if (random(20) === 0) await delay(random(5));
    await source.push({ data: new Float64Array([sequence]), sequence, timestamp: times[i] ?? 0 });
  }
  source.end();
}

const some = (n: number, oneIn: number, seed: number): number[] => {
  const random = seeded(seed);
  return range(n).filter(() => random(oneIn) !== 0);
};

describe(`several sources, seed ${SEED}`, () => {
  it('by frame: just what both sent comes together, the rest is unmatched', async () => {
    const a = some(1500, 5, SEED);
    const b = some(1400, 3, SEED + 1);
    const both = a.filter((n) => b.includes(n));
    const { report, events } = await runJoin(
      {
        sources: { a: push, b: push },
        stages: { j: { from: ['a', 'b'], operators: [{ type: 'join', by: 'frame', as: 'list', waitMs: LONG_MS }, paired] } },
      },
      (pipeline) => Promise.all([pushAll(pipeline, 'a', a, [], SEED), pushAll(pipeline, 'b', b, [], SEED + 2)]),
    );
    expect(events.map(({ joined }) => joined.map(([source, , sequence, , first]) => [source, sequence, first]))).toEqual(
      both.map((n) => [
        ['a', n, n],
        ['b', n, n],
      ]),
    );
    expect(report.sources.a!.ledger).toMatchObject({
      received: a.length,
      delivered: both.length,
      dropped: { unmatched: a.length - both.length },
    });
    expect(report.sources.b!.ledger).toMatchObject({
      received: b.length,
      merged: both.length,
      delivered: 0,
      dropped: { unmatched: b.length - both.length },
    });
  });

  it('by frame: numbers go on over 2^32, and over what 32 bits hold', async () => {
    // One lacks the last number before the wrap, the other the first after it.
    for (const start of [2 ** 32 - 5, 2 ** 40]) {
      const number = (n: number): number => (start < 2 ** 32 ? (start + n) % 2 ** 32 : start + n);
      const { events } = await runJoin(
        {
          sources: { a: push, b: push },
          stages: { j: { from: ['a', 'b'], operators: [{ type: 'join', by: 'frame', as: 'list', waitMs: LONG_MS }, paired] } },
        },
        (pipeline) =>
          Promise.all([
            pushAll(
              pipeline,
              'a',
              range(20)
                .filter((n) => n !== 4)
                .map(number),
              [],
              1,
            ),
            pushAll(
              pipeline,
              'b',
              range(20)
                .filter((n) => n !== 5)
                .map(number),
              [],
              2,
            ),
          ]),
      );
      expect(events.map(({ joined }) => joined[1]![2])).toEqual(
        range(20)
          .filter((n) => n !== 4 && n !== 5)
          .map(number),
      );
    }
  });

  itFull('by timestamp: as many events as two streams allow, none wider than the tolerance', async () => {
    const random = seeded(SEED + 3);
    const toleranceMs = 4;
    // Every 10 ms an event, mostly close together, some too far apart; and times that have nothing to do with each other.
    const regular = range(500).map((k) => [k / 100, k / 100 + (random(1000) - 500) / 100_000] as const);
    const wild = [0, 1].map(() =>
      range(600)
        .map(() => random(3_000_000) / 1e6)
        .sort((x, y) => x - y),
    );
    for (const [a, b] of [
      [regular.map(([x]) => x), regular.map(([, y]) => y).sort((x, y) => x - y)],
      [wild[0]!, wild[1]!],
    ] as const) {
      const { report, events } = await runJoin(
        {
          sources: { a: push, b: push },
          stages: {
            j: { from: ['a', 'b'], operators: [{ type: 'join', by: 'timestamp', toleranceMs, as: 'list', waitMs: LONG_MS }, paired] },
          },
        },
        (pipeline) => Promise.all([pushAll(pipeline, 'a', range(a.length), a, SEED), pushAll(pipeline, 'b', range(b.length), b, SEED + 1)]),
      );
      const most = mostPairs(a, b, toleranceMs / 1000);
      expect(most).toBeLessThan(Math.min(a.length, b.length));
      expect(events.length).toBe(most);
      for (const { joined } of events) expect(Math.abs(joined[0]![3] - joined[1]![3])).toBeLessThanOrEqual(toleranceMs / 1000);
      expect(new Set(events.map(({ joined }) => joined[1]![2])).size).toBe(most);
      expect(report.sources.a!.ledger.dropped).toEqual({ unmatched: a.length - most });
      expect(report.sources.b!.ledger.dropped).toEqual({ unmatched: b.length - most });
    }
  });

  it('a frame without a time has no partner', async () => {
    const { report } = await runJoin(
      {
        sources: { a: push, b: push },
        stages: { j: { from: ['a', 'b'], operators: [{ type: 'join', by: 'timestamp', toleranceMs: 1, waitMs: LONG_MS }] } },
      },
      async (pipeline) => {
        await pipeline.source('a').push({ data: new Float64Array([1]) });
        await pushAll(pipeline, 'a', [1, 2], [1, 2], 1);
        await pushAll(pipeline, 'b', [1, 2], [1, 2], 1);
      },
    );
    expect(report.sources.a!.ledger).toMatchObject({ delivered: 2, dropped: { unmatched: 1 } });
  });

  it('when one source ends, the frames of the other do not wait', async () => {
    const startMs = performance.now();
    const { report, events } = await runJoin(
      {
        sources: { a: push, b: push },
        stages: { j: { from: ['a', 'b'], operators: [{ type: 'join', by: 'frame', waitMs: LONG_MS }] } },
      },
      (pipeline) => Promise.all([pushAll(pipeline, 'a', range(700), [], 1), pushAll(pipeline, 'b', range(50), [], 2)]),
    );
    expect(events).toHaveLength(50);
    expect(report.sources.a!.ledger).toMatchObject({ delivered: 50, dropped: { unmatched: 650 } });
    expect(performance.now() - startMs).toBeLessThan(LONG_MS / 4);
  });

  it('a source that is silent holds up the other by waitMs, once for all that wait meanwhile', async () => {
    const waitMs = 200;
    const { report, events } = await runJoin(
      {
        sources: { a: push, b: push },
        stages: { j: { from: ['a', 'b'], window: 64, operators: [{ type: 'join', by: 'frame', waitMs }] } },
      },
      async (pipeline) => {
        const startMs = performance.now();
        await pushAll(pipeline, 'a', range(256), [], 1);
        while ((pipeline.report().sources.a!.ledger.dropped.unmatched ?? 0) < 256) await delay(10);
        const tookMs = performance.now() - startMs;
        expect(tookMs).toBeGreaterThanOrEqual(waitMs);
        expect(tookMs).toBeLessThan((256 * waitMs) / 4);
        await pushAll(pipeline, 'b', range(10), [], 1);
      },
    );
    expect(events).toEqual([]);
    expect(report.sources.b!.ledger).toMatchObject({ dropped: { unmatched: 10 } });
  });

  it('branches of one source and another source come together, and a second sink beside', async () => {
    const frames = 2000;
    const { report, events } = await runJoin({
      sources: { s: counter(frames), t: counter(frames, { seed: 8 }) },
      stages: {
        a: { from: 's', workers: 2, operators: [copy] },
        b: { from: 's', operators: [{ type: operatorPath('every'), n: 2, at: 0 }] },
        j: { from: ['b', 't', 'a'], operators: [{ type: 'join', by: 'frame', waitMs: LONG_MS }] },
      },
      sinks: { out: { type: 'iterate', from: 'j' }, all: { type: 'null', from: 't', checksum: true }, more: { type: 'null', from: 'j' } },
    });
    expect(ordinals(events)).toEqual(range(frames / 2).map((n) => 2 * n));
    for (const event of events) expectStack(event, 3);
    expect(report.sources.s!.ledger).toMatchObject({ delivered: frames / 2, dropped: { unmatched: frames / 2 } });
    expect(report.sources.t!.ledger).toMatchObject({ delivered: frames / 2, dropped: { unmatched: frames / 2 } });
    expect(report.sinks).toMatchObject({ all: { delivered: frames }, more: { delivered: frames / 2 } });
  });
});

/** The most pairs (i, j), each used once and rising in both, that are not further apart than the tolerance: by dynamic programming. */
function mostPairs(a: readonly number[], b: readonly number[], tolerance: number): number {
  let above = new Array<number>(b.length + 1).fill(0);
  for (const x of a) {
    const row = [0];
    for (const [j, y] of b.entries()) row.push(Math.max(above[j + 1]!, row[j]!, Math.abs(x - y) <= tolerance ? above[j]! + 1 : 0));
    above = row;
  }
  return above[b.length]!;
}

describe('series', () => {
  it('of branches: the end goes on once, and what operators hold comes with it', async () => {
    const { report, events } = await runJoin({
      sources: { s: counter(250, { series: 100 }) },
      stages: {
        a: { from: 's', workers: 2, operators: [{ type: operatorPath('every'), n: 2, at: 0 }] },
        b: { from: 's', operators: [copy] },
        k: {
          from: ['a', 'b'],
          operators: [
            { type: 'join', by: 'ordinal', as: 'list' },
            { ...paired, passes: true },
          ],
        },
        j: { from: 'k', operators: [{ type: 'accumulate', frames: 30, shape: SHAPE }] },
      },
    });
    // Fifty of each hundred are left, and of the last fifty 25: 30 and 20, 30 and 20, and 25.
    expect(events).toHaveLength(5);
    expect(report.sources.s!.series).toMatchObject(
      [100, 100, 50].map((received, i) => ({ id: i + 1, ended: 'end', ledger: { received, inFlight: 0 } })),
    );
  });

  itFull('what two branches hand on at the end is joined like any other; what one hands on alone lets the end through', async () => {
    const sum = (frames: number): object => ({ from: 's', operators: [{ type: 'accumulate', frames }] });
    // Of 30 and 30: at 29, 59, 89 and the end of each series of 100. Of 30 and 100: 99 comes with 100 alone, the end with 30 alone.
    for (const [a, b, meetings] of [
      [30, 30, 8],
      [30, 100, 0],
      [100, 30, 0],
    ] as const) {
      const { report, events } = await runJoin({
        sources: { s: counter(200, { series: 100 }) },
        stages: {
          a: sum(a),
          b: sum(b),
          k: { from: ['a', 'b'], operators: [{ type: 'join', by: 'ordinal', as: 'list' }, paired] },
          e: { from: 'k', operators: [{ type: operatorPath('ends') }] },
          d: { from: 's', operators: [{ type: operatorPath('ends') }] },
          m: { from: 's', operators: [copy] },
          n: {
            from: ['m', 'a'],
            operators: [
              { type: 'join', by: 'ordinal', as: 'list' },
              { ...paired, passes: true },
            ],
          },
          j: { from: 'n', operators: [{ type: 'accumulate', frames: 1000, shape: SHAPE }] },
        },
        sinks: {
          out: { type: 'iterate', from: 'k' },
          sums: { type: 'null', from: 'j' },
          ends: { type: 'null', from: 'e' },
          direct: { type: 'null', from: 'd' },
        },
      });
      expect(report.sources.s!.series).toMatchObject([1, 2].map((id) => ({ id, ended: 'end', ledger: { received: 100, inFlight: 0 } })));
      expect(events).toHaveLength(meetings);
      // The end came to the last stage once a series: it held what had met, one frame of m with each full sum of a.
      expect(report.sinks.sums!.delivered).toBe(2);
      // As often as without any join.
      expect(report.sinks.direct!.delivered).toBeGreaterThanOrEqual(2);
      expect(report.sinks.ends!.delivered).toBe(report.sinks.direct!.delivered);
    }
  });

  it('of two sources: joined within the series, both close, whoever is behind', async () => {
    const { report, events } = await runJoin({
      sources: { s: counter(300, { series: 100 }), t: counter(300, { series: 100, rate: 2000 }) },
      stages: {
        a: { from: 's', operators: [{ type: operatorPath('every'), n: 2, at: 0 }] },
        j: { from: ['a', 't'], operators: [{ type: 'join', by: 'frame', waitMs: 2000 }] },
      },
    });
    expect(events).toHaveLength(150);
    for (const name of ['s', 't'])
      expect(report.sources[name]!.series).toMatchObject(
        [1, 2, 3].map((id) => ({ id, ended: 'end', ledger: { received: 100, inFlight: 0 } })),
      );
    expect(report.sources.s!.ledger).toMatchObject({ delivered: 150, filtered: 150, dropped: {} });
    expect(report.sources.t!.ledger).toMatchObject({ merged: 150, dropped: { unmatched: 150 } });
  });
});

describe('a worker that joins', () => {
  it(`dies ${KILLS} times under load, ended or at a step of the ring operations: nothing twice, nothing missing where both came`, {
    timeout: 300_000,
  }, async () => {
    const random = seeded(SEED + 9);
    const hits = new SharedArrayBuffer(4 * 128);
    let terminated = 0;
    const { report, events } = await runJoin(
      {
        sources: { s: counter(1_000_000, { rate: 4000 }) },
        stages: {
          a: { from: 's', workers: 2, attempts: 100, operators: [copy] },
          b: { from: 's', attempts: 100, operators: [{ type: operatorPath('every'), n: 4, at: 1 }] },
          j: { from: ['a', 'b'], attempts: 100, operators: [{ type: 'join', by: 'ordinal' }] },
        },
        troubles: /died and will be replaced/,
        fault: { file: 'ring.fault.wasm', hits, seed: SEED, workers: KILLS + 4, steps: STEPS, within: 40 },
      },
      async (pipeline) => {
        while (pipeline.report().stages.j!.restarts < KILLS) {
          await delay(30 + random(60));
          if (random(3) === 0 && pipeline.terminateWorker('j', 0)) terminated++;
        }
        await pipeline.stop();
      },
    );
    const { ledger } = report.sources.s!;
    const words = new Int32Array(hits);
    const injected = STEPS.filter((step) => words[step]! > 0);
    console.log(
      `${report.stages.j!.restarts} deaths (${terminated} ended, steps ${injected.join(' ')}), ${report.stages.j!.redispatched} heads taken again, ${ledger.received} frames`,
    );
    expect(injected.length).toBeGreaterThan(0);
    expect(terminated).toBeGreaterThan(0);
    expect(report.stages.j!.restarts).toBeGreaterThanOrEqual(KILLS);
    expect(ordinals(events)).toEqual(range(ledger.received).filter((n) => n % 4 === 1));
    for (const event of events) expectStack(event, 2);
    expect(ledger).toMatchObject({ delivered: events.length, dropped: { unmatched: ledger.received - events.length }, dead: {} });
  });

  itFull('dies once with an event of which two inputs are one slot: that is one attempt', { timeout: 120_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-join-deaths-'));
    try {
      const { report, events } = await runJoin({
        sources: { s: counter(400) },
        stages: {
          a: { from: 's', operators: [{ type: 'veto', min: 0 }] },
          j: {
            from: ['a', 's'],
            attempts: 2,
            operators: [
              { type: 'join', by: 'ordinal', as: 'list' },
              { type: operatorPath('deaths'), kind: 'exit', every: 100, at: 50, folder },
            ],
          },
        },
        troubles: /died and will be replaced/,
      });
      expect(report.stages.j!.restarts).toBe(4);
      expect(ordinals(events)).toEqual(range(400));
      expect(report.sources.s!.ledger).toMatchObject({ delivered: 400, dropped: {}, dead: {} });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  itFull('is ended under load with two sources and an asynchronous operator: the same', { timeout: 300_000 }, async () => {
    const random = seeded(SEED + 10);
    const frames = sized(1500, 6000);
    const { report, events } = await runJoin(
      {
        sources: { s: counter(frames, { rate: 2000 }), t: counter(frames, { rate: 2000 }) },
        stages: {
          a: { from: 's', operators: [{ type: operatorPath('every'), n: 2, at: 0 }] },
          b: { from: 't', operators: [{ type: operatorPath('every'), n: 3, at: 0 }] },
          j: {
            from: ['a', 'b'],
            attempts: 100,
            operators: [{ type: 'join', by: 'frame', as: 'list', waitMs: LONG_MS }, { type: operatorPath('paired-async') }],
          },
        },
        troubles: /died and will be replaced/,
      },
      async (pipeline) => {
        let over = false;
        void pipeline.closed.then(() => {
          over = true;
        });
        while (!over) {
          await delay(60 + random(100));
          if (pipeline.report().sources.s!.ledger.received < frames - 200) pipeline.terminateWorker('j', 0);
        }
      },
    );
    console.log(`${report.stages.j!.restarts} deaths, ${report.stages.j!.redispatched} references taken again`);
    expect(report.stages.j!.restarts).toBeGreaterThan(3);
    const both = range(frames).filter((n) => n % 6 === 0);
    expect(events.map(({ joined }) => joined.map(([, , sequence]) => sequence))).toEqual(both.map((n) => [n, n]));
    expect(report.sources.s!.ledger).toMatchObject({
      delivered: both.length,
      filtered: frames / 2,
      dropped: { unmatched: frames / 2 - both.length },
      dead: {},
    });
    expect(report.sources.t!.ledger).toMatchObject({ merged: both.length, dropped: { unmatched: frames / 3 - both.length }, dead: {} });
  });

  it('fails: the frames of all inputs are dead, and kept', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-join-'));
    try {
      const frames = 100;
      const { report } = await runJoin({
        deadLetters: { directory: folder },
        sources: { s: counter(frames), t: counter(frames) },
        stages: {
          j: {
            from: ['s', 't'],
            attempts: 2,
            operators: [
              { type: 'join', by: 'frame', as: 'list' },
              { type: operatorPath('faults'), kind: 'throw' },
            ],
          },
        },
        troubles: /the sky falls/,
      });
      const letters = await Promise.all(letterNames(folder).map((name) => readLetter(join(folder, name))));
      expect(letters).toHaveLength(20);
      for (const { data, ordinal, node, attempts } of letters) {
        expect(checkCounter(data)).toEqual({ number: ordinal, intact: true });
        expect([ordinal % 10, node, attempts]).toEqual([3, 'j', 2]);
      }
      expect(new Set(letters.map(({ source, ordinal }) => `${source} ${ordinal}`)).size).toBe(20);
      expect(report.sources.s!.ledger).toMatchObject({ delivered: 90, dead: { 'operator-failed': 10 } });
      expect(report.sources.t!.ledger).toMatchObject({ merged: 90, dead: { 'operator-failed': 10 } });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
