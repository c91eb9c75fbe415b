import { afterEach, expect, it } from 'vitest';
import { MillraceRun } from '../support/run-millrace.js';
import { freePort } from '../support/servers/server-process.js';
import { itFull, sized } from '../support/test-size.js';

let millrace: MillraceRun | undefined;
afterEach(() => millrace?.dispose());

const source = { type: 'sim', pattern: 'counter', shape: [16, 16], frames: 200 };

itFull('a stage without operators passes every frame on', async () => {
  millrace = new MillraceRun();
  const { exitCode, report } = await millrace.run({
    version: 1,
    sources: { s: source },
    stages: { a: { from: 's', workers: 2, operators: [] } },
    sinks: { o: { type: 'null', from: 'a', checksum: true } },
  });
  expect(exitCode).toBe(0);
  expect(report.sources.s!.ledger).toMatchObject({ received: 200, delivered: 200, dead: {} });
});

it('a sink that cannot be opened ends the run with its own error', async () => {
  millrace = new MillraceRun();
  const run = millrace.run({
    version: 1,
    sources: { s: source },
    sinks: { o: { type: 'redis', from: 's', url: `redis://127.0.0.1:${await freePort()}`, stream: 'x', openTimeoutMs: 100 } },
  });
  await run.catch(() => {});
  expect(millrace.stderr).toMatch(/ECONNREFUSED 127\.0\.0\.1:\d+ \[ERR_SINK\]$/m);
  expect(millrace.stderr).not.toContain('ERR_INTERNAL');
});

it('two sinks on one port: the error says which, and where it stands', async () => {
  millrace = new MillraceRun();
  const bind = `tcp://127.0.0.1:${await freePort()}`;
  const sink = { type: 'zmq', from: 's', socket: 'pub', bind };
  const run = millrace.run({ version: 1, sources: { s: source }, sinks: { one: sink, two: sink } });
  await run.catch(() => {});
  expect(millrace.stderr).toMatch(/^millrace: \S+:\d+:\d+: sink '(one|two)': cannot bind .* EADDRINUSE.* \[ERR_SINK\]$/m);
});

itFull('a wildcard port is told on stderr', async () => {
  millrace = new MillraceRun();
  await millrace.run({
    version: 1,
    sources: { s: source },
    sinks: { o: { type: 'zmq', from: 's', socket: 'pub', bind: 'tcp://127.0.0.1:*' } },
  });
  expect(millrace.stderr).toMatch(/^millrace: \S+Z info: sink 'o': listens on tcp:\/\/127\.0\.0\.1:\d+ /m);
});

itFull('a host name that nobody knows is told, once', async () => {
  millrace = new MillraceRun();
  await millrace.run({
    version: 1,
    sources: { s: { type: 'zmq', connect: 'tcp://no-such-host.invalid:5555', idleMs: 1500 } },
    sinks: { o: { type: 'null', from: 's' } },
  });
  const told = millrace.stderr.match(/^millrace: \S+Z warning: source 's': no handshake .*no-such-host\.invalid.*$/gm);
  expect(told).toHaveLength(1);
  expect(told![0]).toMatch(/ENOTFOUND|EAI_AGAIN/);
});

it.each(sized([128], [16, 128]))('what a sink sends with a topic a source with topicPart takes, in frames of side %i', async (side) => {
  millrace = new MillraceRun();
  const bind = `tcp://127.0.0.1:${await freePort()}`;
  const { report } = await millrace.run({
    version: 1,
    sources: {
      s: { type: 'sim', pattern: 'counter', shape: [side, side], frames: 150, rate: 100 },
      t: { type: 'zmq', socket: 'sub', connect: bind, subscribe: 'counter', topicPart: true, frames: 20, idleMs: 20_000 },
    },
    sinks: {
      p: { type: 'zmq', from: 's', socket: 'pub', bind, topic: 'counter' },
      o: { type: 'null', from: 't', checksum: true },
    },
  });
  expect(report.sources.t!.ledger).toMatchObject({ received: 20, delivered: 20, dead: {} });
});
