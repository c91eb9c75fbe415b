import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { Pull, Push } from 'zeromq';
import type { Report } from '../../src/observe/report.js';
import { accounted, operatorPath, Pipeline, recordingLogger, runPipeline, specFromObject } from '../support/run-pipeline.js';
import { freePort } from '../support/servers/server-process.js';

const SHAPE = [4, 6];
const sim = { type: 'sim', pattern: 'noise', shape: SHAPE, dtype: 'uint16', pool: 0, seed: 5 };

interface Read {
  readonly sequence: number;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly data: Float64Array | Uint16Array;
}

async function readAll(pipeline: InstanceType<typeof Pipeline>, sink: string): Promise<Read[]> {
  const read: Read[] = [];
  for await (const { sequence, meta, data } of pipeline.sink(sink)) read.push({ sequence, meta, data: data.slice() as Read['data'] });
  return read;
}

/** Mean and sample variance by two passes over what came: no kernel of ours. */
function statistics(frames: readonly Read[]): number[] {
  const pixels = frames[0]!.data.length;
  const mean = Array.from({ length: pixels }, (_, p) => frames.reduce((sum, { data }) => sum + data[p]!, 0) / frames.length);
  const variance = mean.map((m, p) => frames.reduce((sum, { data }) => sum + (data[p]! - m) ** 2, 0) / (frames.length - 1));
  return [...mean, ...variance];
}

const expectClose = (found: ArrayLike<number>, expected: readonly number[]): void => {
  expect(found.length).toBe(expected.length);
  for (const [i, value] of expected.entries()) expect(Math.abs(found[i]! - value)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(value)));
};

describe('series of the simulated source', () => {
  it('each closes with its own ledger and verdict, and what an operator still holds leaves with it', async () => {
    const { logger } = recordingLogger();
    const pipeline = new Pipeline(
      specFromObject({
        version: 1,
        failOn: 'none',
        sources: { s: { ...sim, frames: 250, series: 100 } },
        stages: { sum: { from: 's', operators: [{ type: 'accumulate', frames: 30 }] } },
        sinks: { raw: { type: 'iterate', from: 's' }, means: { type: 'iterate', from: 'sum' } },
      }),
      { logger },
    );
    await pipeline.start();
    const closed: unknown[] = [];
    const following = (async () => {
      for await (const series of pipeline.series('s')) closed.push(series.id);
    })();
    const [raw, means, report] = await Promise.all([readAll(pipeline, 'raw'), readAll(pipeline, 'means'), pipeline.closed]);
    await following;
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(raw.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 250 }, (_, i) => i % 100));
    expect(report.sources.s!.series).toMatchObject(
      [100, 100, 50].map((received, i) => ({
        id: i + 1,
        expected: received,
        ended: 'end',
        ledger: { received, delivered: received, merged: 0, inFlight: 0 },
        verdict: { state: 'complete' },
      })),
    );
    expect(closed).toEqual([1, 2, 3]);
    // 30, 30, 30 and the 10 that are left, twice; then 30 and 20.
    const groups = [30, 30, 30, 10, 30, 30, 30, 10, 30, 20];
    expect(means.map(({ meta }) => meta.frames)).toEqual(groups);
    let from = 0;
    for (const [i, size] of groups.entries()) {
      expectClose(means[i]!.data, statistics(raw.slice(from, from + size)));
      from += size;
    }
    expect(report.sources.s!.ledger).toMatchObject({ received: 250, delivered: 250 });
    expect(report.sinks.means!.delivered).toBe(groups.length);
  });

  it('a source without series hands on at its end what an operator still holds', async () => {
    const { logger } = recordingLogger();
    const pipeline = new Pipeline(
      specFromObject({
        version: 1,
        failOn: 'none',
        sources: { s: { ...sim, frames: 25 } },
        stages: {
          pass: { from: 's', workers: 2, operators: [] },
          sum: { from: 'pass', operators: [{ type: 'accumulate', frames: 10, shape: SHAPE }, { type: operatorPath('series-aware') }] },
        },
        sinks: { means: { type: 'iterate', from: 'sum' } },
      }),
      { logger },
    );
    await pipeline.start();
    const [means, report] = await Promise.all([readAll(pipeline, 'means'), pipeline.closed]);
    expect(means.map(({ meta }) => meta.frames)).toEqual([10, 10, 5]);
    expect(report.sources.s!.series).toBeUndefined();
    expect(report.sources.s!.ledger).toMatchObject({ received: 25, delivered: 2, merged: 23, inFlight: 0 });
  });

  it('every worker hears of a series before its first frame, and so does one that takes another place', { timeout: 60_000 }, async () => {
    const { logger } = recordingLogger();
    const pipeline = new Pipeline(
      specFromObject({
        version: 1,
        failOn: 'none',
        sources: { s: { ...sim, frames: 3000, series: 150, rate: 3000 } },
        stages: { mark: { from: 's', workers: 3, attempts: 100, operators: [{ type: operatorPath('series-aware'), spinUs: 200 }] } },
        sinks: { out: { type: 'iterate', from: 'mark' } },
      }),
      { logger },
    );
    await pipeline.start();
    let isOver = false;
    void pipeline.closed.then(() => {
      isOver = true;
    });
    const drill = (async () => {
      for (let i = 0; !isOver && i < 8; i++) {
        await delay(80);
        pipeline.terminateWorker('mark', i % 3);
      }
    })();
    const [out, report] = await Promise.all([readAll(pipeline, 'out'), pipeline.closed]);
    await drill;
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(report.stages.mark!.restarts).toBeGreaterThan(0);
    expect(out.map(({ sequence, meta }) => [meta.heard, meta.expected, sequence])).toEqual(
      Array.from({ length: 3000 }, (_, i) => [1 + Math.floor(i / 150), 150, i % 150]),
    );
    expect(report.sources.s!.series!.map(({ verdict, ledger }) => [verdict.state, ledger.delivered])).toEqual(
      Array.from({ length: 20 }, () => ['complete', 150]),
    );
  });

  it('a sample keeps the end of a series, a drop by policy is in its ledger', async () => {
    const { report } = await runPipeline({
      sources: { s: { ...sim, frames: 200, series: 50 } },
      stages: { sum: { from: 's', overflow: { sample: 3 }, operators: [{ type: 'accumulate', frames: 1000 }] } },
      sinks: { out: { type: 'null', from: 'sum' } },
    });
    expect(report.sinks.out!.delivered).toBe(4);
    for (const { ledger } of report.sources.s!.series!) {
      expect(accounted(ledger)).toBe(50);
      expect(ledger.merged).toBe(50 - ledger.dropped.sampled!);
      expect(ledger.dropped.sampled).toBeGreaterThan(30);
    }
  });
});

describe('series over ZeroMQ', () => {
  const open: { close(): void }[] = [];
  afterEach(() => {
    for (const socket of open.splice(0)) socket.close();
  });

  async function rig(
    options: object = {},
  ): Promise<{ push: Push; pull: Pull; pipeline: InstanceType<typeof Pipeline>; lines: { message: string }[] }> {
    const from = `tcp://127.0.0.1:${await freePort()}`;
    const to = `tcp://127.0.0.1:${await freePort()}`;
    const { logger, lines } = recordingLogger();
    const pipeline = new Pipeline(
      specFromObject({
        version: 1,
        failOn: 'none',
        sources: { s: { type: 'zmq', socket: 'pull', connect: from, maxFrame: '1 MiB', ...options } },
        stages: { pass: { from: 's', workers: 2, operators: [{ type: operatorPath('series-aware') }] } },
        sinks: { out: { type: 'zmq', socket: 'push', connect: to, from: 'pass' } },
      }),
      { logger },
    );
    const push = new Push();
    const pull = new Pull();
    open.push(push, pull);
    await Promise.all([push.bind(from), pull.bind(to)]);
    await pipeline.start();
    return { push, pull, pipeline, lines };
  }

  const frame = (n: number, more: object = {}): [string, Buffer] => [
    JSON.stringify({ htype: 'array-1.0', shape: [2], type: 'uint8', frame: n, ...more }),
    Buffer.from([n, n]),
  ];
  const start = (series: unknown, more: object = {}): string => JSON.stringify({ htype: 'series-start-1.0', series, ...more });
  const end = (series: unknown, more: object = {}): string => JSON.stringify({ htype: 'series-end-1.0', series, ...more });

  /** What comes out, in short: `start 7`, `3`, `end 7`. */
  async function read(pull: Pull, count: number): Promise<{ text: string; header: Record<string, unknown> }[]> {
    const found: { text: string; header: Record<string, unknown> }[] = [];
    while (found.length < count) {
      const [first] = await pull.receive();
      const header = JSON.parse(String(first)) as Record<string, unknown>;
      const kind =
        header.htype === 'series-start-1.0'
          ? `start ${header.series}`
          : header.htype === 'series-end-1.0'
            ? `end ${header.series}`
            : String(header.frame);
      found.push({ text: kind, header });
    }
    return found;
  }

  async function stop(pipeline: InstanceType<typeof Pipeline>, until: (report: Report) => boolean): Promise<Report> {
    for (let i = 0; i < 200 && !until(pipeline.report()); i++) await delay(20);
    return pipeline.stop();
  }

  it('start, frames and end come out as they went in, with what the start said', async () => {
    const { push, pull, pipeline } = await rig();
    await push.send(start('run-1', { expected: 3, meta: { sample: 'LaB6' } }));
    for (const n of [0, 1, 2]) await push.send(frame(n));
    await push.send(end('run-1'));
    await push.send(start(2, { expected: 1 }));
    await push.send(frame(0));
    await push.send(end(2));
    const found = await read(pull, 8);
    expect(found.map(({ text }) => text)).toEqual(['start run-1', '0', '1', '2', 'end run-1', 'start 2', '0', 'end 2']);
    expect(found[0]!.header).toEqual({ htype: 'series-start-1.0', series: 'run-1', expected: 3, meta: { sample: 'LaB6' } });
    expect(found[1]!.header).toMatchObject({ heard: 'run-1', expected: 3, sample: 'LaB6' });
    expect(found[6]!.header).toMatchObject({ heard: 2, sample: null });
    const report = await stop(pipeline, ({ sources }) => sources.s!.series?.length === 2);
    expect(report.sources.s!.series).toMatchObject([
      { id: 'run-1', expected: 3, ended: 'end', verdict: { state: 'complete' } },
      { id: 2, expected: 1, ended: 'end', verdict: { state: 'complete' } },
    ]);
    expect(report.sources.s!.ledger).toMatchObject({ received: 4, delivered: 4, dead: {} });
  });

  it('frames that did not come are named, one by one and at the end', async () => {
    const { push, pull, pipeline } = await rig();
    await push.send(start('holes', { expected: 10 }));
    for (const n of [1, 2, 5, 6]) await push.send(frame(n));
    await push.send(end('holes'));
    await push.send(start('numbers that go on', { expected: 4 }));
    for (const n of [100, 101, 103]) await push.send(frame(n));
    await push.send(end('numbers that go on'));
    await read(pull, 11);
    const report = await stop(pipeline, ({ sources }) => sources.s!.series?.length === 2);
    expect(report.sources.s!.series).toMatchObject([
      {
        id: 'holes',
        ledger: { received: 4 },
        verdict: {
          state: 'incomplete',
          missing: [
            [0, 0],
            [3, 4],
            [7, 9],
          ],
        },
      },
      { id: 'numbers that go on', ledger: { received: 3 }, verdict: { state: 'incomplete', missing: [[102, 102]] } },
    ]);
  });

  it('a series that another one follows without an end is superseded, one that falls silent times out, one that is open at the stop is stopped', async () => {
    const { push, pull, pipeline, lines } = await rig({ seriesTimeoutMs: 300 });
    await push.send(start('a'));
    await push.send(frame(0));
    await push.send(end('unknown')); // not open: said, and nothing else
    await push.send(start('b'));
    await push.send(frame(0));
    await read(pull, 6); // start a, 0, end a, start b, 0, end b after the silence
    await push.send(frame(0, { series: 'c' })); // its start was lost
    const [first, second] = await read(pull, 2);
    expect([first!.text, second!.text]).toEqual(['start c', '0']);
    const report = await pipeline.stop();
    expect(report.sources.s!.series).toMatchObject([
      { id: 'a', ended: 'superseded' },
      { id: 'b', ended: 'timed-out' },
      { id: 'c', ended: 'stopped' },
    ]);
    expect(lines.filter(({ message }) => message.includes('unknown'))).toHaveLength(1);
  });

  it('what is wrong with a start is counted, and the run goes on', async () => {
    const { push, pull, pipeline } = await rig();
    await push.send(start('big', { meta: { text: 'x'.repeat(9000) } }));
    await push.send(start({ not: 'a name' }));
    await push.send(start('s', { expected: -1 }));
    await push.send(start('s', { meta: [1] }));
    await push.send(frame(7));
    const [found] = await read(pull, 1);
    expect(found!.text).toBe('7');
    const report = await stop(pipeline, ({ sources }) => sources.s!.ledger.received === 5);
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(report.sources.s!.ledger).toMatchObject({ received: 5, delivered: 1, dead: { 'too-large': 1, malformed: 3 } });
  });
});
