import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { Pull } from 'zeromq';
import type { Report } from '../../src/observe/report.js';
import { runCommand } from '../support/run-command.js';
import { accounted, operatorPath, Pipeline, recordingLogger, specFromObject } from '../support/run-pipeline.js';
import { freePort } from '../support/servers/server-process.js';
import { itFull, sized } from '../support/test-size.js';

const folder = mkdtempSync(join(tmpdir(), 'millrace-drain-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const sim = (more: object = {}): object => ({ type: 'sim', pattern: 'counter', shape: [16, 64], dtype: 'uint16', seed: 4, ...more });
const readReport = (name: string): Report => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Report;

/** Waits for a line of the progress that counts frames: before it, a signal would end the start. */
async function hasReceived(said: () => string): Promise<void> {
  while (!/[1-9]\S* received/.test(said())) await delay(20);
}

describe('a signal under load', () => {
  for (const signal of sized(['SIGTERM'] as const, ['SIGTERM', 'SIGINT'] as const)) {
    it(`${signal} drains: all that was received is delivered, and the exit code is 0`, async () => {
      const endpoint = `tcp://127.0.0.1:${await freePort()}`;
      const pull = new Pull();
      await pull.bind(endpoint);
      let arrived = 0;
      const receiving = (async () => {
        for await (const _ of pull) arrived++;
      })();
      const { code, stderr } = await runCommand(
        folder,
        `${signal}.yaml`,
        {
          sources: { s: sim({ rate: 20_000 }) },
          stages: { work: { from: 's', workers: 2, operators: [{ type: operatorPath('copy'), dawdle: 50 }] } },
          sinks: { out: { type: 'zmq', from: 'work', socket: 'push', connect: endpoint }, slow: { type: 'null', from: 's', delayMs: 0.1 } },
        },
        ['--report', join(folder, `${signal}.json`)],
        async (child) => {
          for (let waitedMs = 0; arrived < 2000 && waitedMs < 20_000; waitedMs += 20) await delay(20);
          child.kill(signal);
        },
      );
      expect(stderr).not.toMatch(/Error/);
      expect(code).toBe(0);
      const report = readReport(`${signal}.json`);
      expect(report).toMatchObject({ ok: true, balanced: true });
      const { ledger } = report.sources.s!;
      expect(ledger.received).toBeGreaterThanOrEqual(2000);
      expect(ledger).toMatchObject({ delivered: ledger.received, inFlight: 0, dead: {}, dropped: {} });
      for (let waitedMs = 0; arrived < ledger.received && waitedMs < 5000; waitedMs += 20) await delay(20);
      pull.close();
      await receiving;
      expect(arrived).toBe(ledger.received);
    });
  }

  it('a dead sink makes the drain miss its deadline: exit 1, and what was not delivered is named', { timeout: 90_000 }, async () => {
    const endpoint = `tcp://127.0.0.1:${await freePort()}`;
    let signalledMs = 0;
    const { code, stderr, stdout } = await runCommand(
      folder,
      'dead.yaml',
      {
        drain: { deadlineMs: 1000 },
        sources: { s: sim({ rate: 5000 }) },
        sinks: {
          gone: { type: 'zmq', from: 's', socket: 'push', connect: endpoint, highWaterMark: 5 },
          fine: { type: 'null', from: 's', overflow: 'drop-newest' },
        },
      },
      ['--report', join(folder, 'dead.json'), '--progress', '0.2'],
      async (child, said) => {
        await hasReceived(said);
        signalledMs = performance.now();
        child.kill('SIGTERM');
      },
    );
    expect(code).toBe(1);
    expect(performance.now() - signalledMs).toBeLessThan(20_000);
    const report = readReport('dead.json');
    expect(report).toMatchObject({ ok: false, balanced: true, error: { code: 'ERR_DRAIN_DEADLINE' } });
    const { ledger } = report.sources.s!;
    expect(ledger.inFlight).toBeGreaterThan(0);
    expect(accounted(ledger)).toBe(ledger.received);
    // The frame that waits at the full edge was not yet offered to the other sink.
    expect(report.undelivered!.fine ?? 0).toBeLessThanOrEqual(1);
    // What stood in the queue of the socket when it closed is dead; all else is owed.
    expect(report.sinks.gone!.undelivered?.frames ?? 0).toBe(ledger.dead.undelivered ?? 0);
    expect(report.undelivered!.gone! + (ledger.dead.undelivered ?? 0)).toBe(ledger.received - report.sinks.gone!.delivered);
    expect(stderr + stdout).toMatch(/'gone'/);
  });

  it('a second signal ends a drain that takes too long', { timeout: 60_000 }, async () => {
    let signalledMs = 0;
    const { code } = await runCommand(
      folder,
      'second.yaml',
      { sources: { s: sim() }, sinks: { slow: { type: 'null', from: 's', stallAfter: 10, stallMs: 600_000 } } },
      ['--progress', '0.2'],
      async (child, said) => {
        await hasReceived(said);
        signalledMs = performance.now();
        child.kill('SIGTERM');
        await delay(500);
        child.kill('SIGTERM');
      },
    );
    expect(code).not.toBe(0);
    expect(performance.now() - signalledMs).toBeLessThan(15_000);
  });
});

function make(description: object): { pipeline: InstanceType<typeof Pipeline>; lines: ReturnType<typeof recordingLogger>['lines'] } {
  const { logger, lines } = recordingLogger();
  return { pipeline: new Pipeline(specFromObject({ version: 1, failOn: 'none', ...description }), { logger }), lines };
}
const endless = (sink: object = {}): object => ({
  sources: { s: sim() },
  stages: { work: { from: 's', workers: 2, operators: [{ type: operatorPath('copy'), dawdle: 50 }] } },
  sinks: { out: { type: 'null', from: 'work', checksum: true, ...sink } },
});

/** Waits until something was received, and then nothing for a while: all places are full. Returns how many frames were received. */
async function heldBack(pipeline: InstanceType<typeof Pipeline>): Promise<number> {
  let received = 0;
  for (let still = 0; still < 6 || received === 0; ) {
    await delay(50);
    const now = pipeline.progress().received;
    still = now === received ? still + 1 : 0;
    received = now;
  }
  return received;
}

describe('the end of an embedded pipeline', () => {
  it('stop drains and may be called twice; starting again is an error', async () => {
    const { pipeline } = make(endless());
    await pipeline.start();
    await expect(pipeline.start()).rejects.toMatchObject({ code: 'ERR_STATE' });
    while (pipeline.progress().received === 0) await delay(20);
    const [first, second] = await Promise.all([pipeline.stop(), pipeline.stop()]);
    expect(second).toBe(first);
    expect(first).toMatchObject({ ok: true, balanced: true });
    expect(first.sources.s!.ledger.received).toBeGreaterThan(0);
    expect(first.sources.s!.ledger.delivered).toBe(first.sources.s!.ledger.received);
    expect(await pipeline.stop()).toBe(first);
    expect(await pipeline.abort()).toBe(first);
    await expect(pipeline.start()).rejects.toMatchObject({ code: 'ERR_STATE' });
  });

  it('a pipeline that was stopped before it started does not start', async () => {
    const { pipeline } = make(endless());
    const report = await pipeline.stop();
    expect(report.sources).toEqual({});
    await expect(pipeline.start()).rejects.toMatchObject({ code: 'ERR_STATE' });
  });

  it('a stop while it starts ends the start', async () => {
    const { pipeline } = make(endless());
    const starting = pipeline.start();
    const stopping = pipeline.stop();
    await starting.catch(() => {});
    expect(await stopping).toMatchObject({ balanced: true });
  });

  it('an AbortSignal drains', async () => {
    const { pipeline } = make(endless());
    const controller = new AbortController();
    await pipeline.start({ signal: controller.signal });
    while (pipeline.progress().received === 0) await delay(20);
    controller.abort();
    const report = await pipeline.closed;
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(report.sources.s!.ledger.delivered).toBe(report.sources.s!.ledger.received);
  });

  it('an AbortSignal that was given already aborted keeps it from starting', async () => {
    const { pipeline } = make(endless());
    await expect(pipeline.start({ signal: AbortSignal.abort() })).rejects.toThrow();
    expect((await pipeline.closed).ok).toBe(false);
  });

  it('a signal that aborts while it starts is not lost', { timeout: 20_000 }, async () => {
    const { pipeline } = make(endless());
    const controller = new AbortController();
    const starting = pipeline.start({ signal: controller.signal }).catch(() => {});
    controller.abort();
    await starting;
    expect((await pipeline.closed).balanced).toBe(true);
  });

  it('abort ends at once, with a stalled sink too: what was under way is in flight, and named', { timeout: 60_000 }, async () => {
    const { pipeline } = make(endless({ stallAfter: 100, stallMs: 600_000 }));
    await pipeline.start();
    await heldBack(pipeline);
    const startedMs = performance.now();
    const report = await pipeline.abort();
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    expect(report).toMatchObject({ ok: false, balanced: true, error: { code: 'ERR_CLOSED' } });
    const { ledger } = report.sources.s!;
    expect(ledger.inFlight).toBeGreaterThan(0);
    expect(accounted(ledger)).toBe(ledger.received);
    expect(report.undelivered!.out).toBe(ledger.inFlight);
  });

  itFull('a blocking sink that stalls holds the source back, and no memory grows', async () => {
    const { pipeline } = make(endless({ stallAfter: 50, stallMs: 4000 }));
    await pipeline.start();
    const early = await heldBack(pipeline);
    const rssBefore = process.memoryUsage().rss;
    await delay(600);
    const late = pipeline.progress().received;
    const rssAfter = process.memoryUsage().rss;
    // All edges and workers together hold a few hundred frames.
    expect(late - early).toBe(0);
    expect(early).toBeLessThan(1000);
    expect(rssAfter - rssBefore).toBeLessThan(20 * 2 ** 20);
    const report = await pipeline.stop();
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(report.sinks.out!.outageMs).toBeGreaterThanOrEqual(4000);
  });

  it('metrics are served during the run and agree with the ledger', async () => {
    const port = await freePort();
    const { pipeline } = make({ ...endless(), metrics: { port } });
    await pipeline.start();
    while (pipeline.progress().received === 0) await delay(20);
    const get = async (path: string): Promise<{ status: number; text: string }> => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return { status: response.status, text: await response.text() };
    };
    expect((await get('/ping')).status).toBe(200);
    expect((await get('/ready')).status).toBe(200);
    const { status, text } = await get('/metrics');
    expect(status).toBe(200);
    const received = Number(/^\w*received\w*\{[^}]*\} (\d+)/m.exec(text)?.[1]);
    expect(received).toBeGreaterThan(0);
    const report = await pipeline.stop();
    expect(report.sources.s!.ledger.received).toBeGreaterThanOrEqual(received);
    await expect(get('/ping')).rejects.toThrow();
  });

  itFull('many start and end one after the other in one process', { timeout: 60_000 }, async () => {
    for (let i = 0; i < 10; i++) {
      const { pipeline } = make({ ...endless(), sources: { s: sim({ frames: 100 }) } });
      await pipeline.start();
      expect(await pipeline.closed).toMatchObject({ ok: true });
    }
  });
});
