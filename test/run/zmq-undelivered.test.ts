import { describe, expect, it } from 'vitest';
import { zmqEgress } from '../../src/egress/zmq-egress.js';
import { Pull } from '../../src/transports/zmtp/sockets/pull.js';
import { accounted, runPipeline } from '../support/run-pipeline.js';
import { freePort } from '../support/servers/server-process.js';

const FRAMES = 60;
const SHAPE = [256, 256]; // 128 KiB of uint16: more than a connection buffers, in all
const source = { type: 'sim', pattern: 'counter', shape: SHAPE, dtype: 'uint16', frames: FRAMES };

const sink = (port: number, more: object = {}) => ({ type: 'zmq', from: 's', connect: `tcp://127.0.0.1:${port}`, lingerMs: 500, ...more });

const count = (ranges: readonly (readonly [number, number])[] = []): number =>
  ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);

describe('a PUSH sink', () => {
  it('has delivered nothing where nobody listens, and names the frames', { timeout: 30_000 }, async () => {
    const { report } = await runPipeline({
      sources: { s: { ...source, shape: [4, 4], frames: 3 } },
      sinks: { out: sink(await freePort()) },
    });
    expect(report.ok).toBe(false);
    expect(report.sources.s!.ledger).toMatchObject({ received: 3, delivered: 0, dead: { undelivered: 3 }, inFlight: 0 });
    expect(report.sinks.out).toMatchObject({
      delivered: 0,
      promise: 'written',
      undelivered: { frames: 3, ranges: { s: [[0, 2]] } },
    });
    expect(report.failures).toMatchObject([{ kind: 'undelivered', node: 'out', count: 3 }]);
  });

  it('counts what a client took before it went, and the others as lost or not delivered', { timeout: 60_000 }, async () => {
    const port = await freePort();
    const client = new Pull({ receiveHighWaterMark: 1, receiveHighWaterBytes: 1 });
    await client.bind(`tcp://127.0.0.1:${port}`);
    let taken = 0;
    const reading = (async () => {
      for (; taken < 20; taken++) await client.receive();
      await client.close();
    })();
    const { report } = await runPipeline({ sources: { s: source }, sinks: { out: sink(port) } });
    await reading;
    const { ledger } = report.sources.s!;
    const { delivered, lost, undelivered } = report.sinks.out!;
    expect(report).toMatchObject({ ok: false, balanced: true });
    expect(accounted(ledger)).toBe(FRAMES);
    expect(delivered).toBeGreaterThanOrEqual(taken);
    expect(delivered + (lost?.frames ?? 0) + (undelivered?.frames ?? 0)).toBe(FRAMES);
    expect(ledger).toMatchObject({ delivered, inFlight: 0 });
    expect(ledger.dead.undelivered ?? 0).toBe(undelivered?.frames ?? 0);
    expect(ledger.dead.lost ?? 0).toBe(lost?.frames ?? 0);
    expect((lost?.frames ?? 0) + (undelivered?.frames ?? 0)).toBeGreaterThan(0);
    expect(count(lost?.ranges.s) + count(undelivered?.ranges.s)).toBe(FRAMES - delivered);
  });

  it('has delivered all that a client takes, also slowly', { timeout: 60_000 }, async () => {
    const port = await freePort();
    const client = new Pull({ receiveHighWaterMark: 1 });
    await client.bind(`tcp://127.0.0.1:${port}`);
    let taken = 0;
    const reading = (async () => {
      for (; taken < FRAMES; taken++) await client.receive();
    })();
    const { report } = await runPipeline({ sources: { s: source }, sinks: { out: sink(port, { lingerMs: 20_000 }) } });
    await reading;
    await client.close();
    expect(report).toMatchObject({ ok: true, sinks: { out: { delivered: FRAMES } } });
    expect(report.sinks.out).not.toHaveProperty('lost');
    expect(report.sinks.out).not.toHaveProperty('undelivered');
    expect(report.sinks.out!.latencyUs.max).toBeGreaterThan(0);
  });

  it('knows the end of a series only when its frames were written', { timeout: 60_000 }, async () => {
    const { report } = await runPipeline({
      sources: { s: { ...source, shape: [4, 4], frames: 6, series: 3 } },
      sinks: { out: sink(await freePort(), { lingerMs: 300 }) },
    });
    expect(report.sources.s!.ledger.dead).toEqual({ undelivered: 6 });
    expect(report.balanced).toBe(true);
  });
});

it('says what delivered means, by driver and socket', () => {
  expect(zmqEgress.promise!({})).toBe('written');
  expect(zmqEgress.promise!({ socket: 'pub' })).toBe('accepted');
  expect(zmqEgress.promise!({ driver: 'libzmq' })).toBe('accepted');
});
