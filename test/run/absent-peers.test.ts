import { expect, it } from 'vitest';
import { runPipeline } from '../support/run-pipeline.js';
import { freePort } from '../support/servers/server-process.js';

it('a sink without a peer says so after two seconds, counts the outage, and is in the progress', { timeout: 60_000 }, async () => {
  const address = `tcp://127.0.0.1:${await freePort()}`;
  let waiting: unknown;
  const { report, lines } = await runPipeline(
    {
      sources: { s: { type: 'sim', pattern: 'counter', shape: [4, 4], frames: 3 } },
      sinks: { out: { type: 'zmq', from: 's', connect: address, lingerMs: 3500 } },
    },
    {},
    async (pipeline) => {
      for (let n = 0; n < 400 && !pipeline.progress().waiting && pipeline.state !== 'closed'; n++)
        await new Promise((resolve) => setTimeout(resolve, 20));
      ({ waiting } = pipeline.progress());
    },
  );
  expect(lines.some(({ message }) => message === `sink 'out' has waited 2 s for a peer at ${address}`)).toBe(true);
  expect(waiting).toEqual([{ node: 'out', addresses: [address] }]);
  const { outageMs } = report.sinks.out!;
  expect(outageMs).toBeGreaterThanOrEqual(2000);
  expect(outageMs).toBeLessThanOrEqual(Math.ceil(report.durationS * 1000));
});

it('a run goes on without a sink that is not required and cannot be opened', { timeout: 60_000 }, async () => {
  const { report } = await runPipeline({
    failOn: ['dead', 'incomplete'],
    sources: { s: { type: 'sim', pattern: 'counter', shape: [4, 4], frames: 50 } },
    sinks: {
      absent: { type: 'redis', url: 'redis://127.0.0.1:1', stream: 'x', openTimeoutMs: 300, from: 's', required: false },
      there: { type: 'null', from: 's' },
    },
  });
  expect(report).toMatchObject({ ok: true, balanced: true });
  expect(report.sources.s!.ledger).toMatchObject({ delivered: 50, dead: {} });
  expect(report.sinks.absent!.ledgers.s).toMatchObject({ received: 50, delivered: 0, dead: { 'sink-refused': 50 } });
});
