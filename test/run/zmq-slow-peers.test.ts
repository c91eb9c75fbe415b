import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect } from 'vitest';
import { Pipeline, recordingLogger, specFromObject } from '../support/run-pipeline.js';
import { freePort } from '../support/servers/server-process.js';
import { itFull } from '../support/test-size.js';

const PEER = new URL('../support/counter-peer.mjs', import.meta.url);
const FRAMES = 500;
const BYTES = 300_000;
/** What a peer of these frames may hold that never comes out of it: both marks, the system's buffers. */
const HELD = 60;

interface Peer {
  readonly process: ChildProcess;
  readonly numbers: number[];
  readonly faults: string[];
}

const peers: Peer[] = [];
afterEach(() => {
  for (const { process } of peers.splice(0)) process.kill('SIGKILL');
});

async function peer(type: 'pull' | 'sub', endpoint: string, delayMs: number): Promise<Peer> {
  const made: Peer = { process: fork(PEER, [type, endpoint, String(delayMs)]), numbers: [], faults: [] };
  peers.push(made);
  await once(made.process, 'message');
  made.process.on('message', ({ number, intact }: { number: number; intact: boolean }) => {
    if (!intact) made.faults.push(`frame ${number} is corrupt`);
    if (made.numbers.includes(number)) made.faults.push(`frame ${number} came twice`);
    made.numbers.push(number);
  });
  return made;
}

/** A pool that comes round several times, every slot poisoned as soon as it is free. */
async function start(socket: 'push' | 'pub', rate?: number) {
  const endpoint = `tcp://127.0.0.1:${await freePort()}`;
  const { logger, lines } = recordingLogger();
  const shape = [10, BYTES / 10];
  const pipeline = new Pipeline(
    specFromObject({
      version: 1,
      sources: { s: { type: 'sim', pattern: 'counter', shape, dtype: 'uint8', seed: 7, frames: FRAMES, ...(rate && { rate }) } },
      stages: { gate: { from: 's', capacity: 4, operators: [] } },
      sinks: { out: { type: 'zmq', from: 'gate', capacity: 4, socket, bind: endpoint, highWaterMark: 4, lingerMs: 1500 } },
    }),
    { logger, poison: true },
  );
  const run = async () => {
    const startMs = performance.now();
    await pipeline.start();
    return startMs;
  };
  return { endpoint, pipeline, lines, run };
}

const until = async (holds: () => boolean, forMs = 30_000): Promise<void> => {
  for (let waited = 0; !holds() && waited < forMs; waited += 10) await delay(10);
};

itFull(
  'PUSH to a fast peer, a slow one, one that stands still and one that is killed: every frame intact, none twice',
  {
    timeout: 120_000,
  },
  async () => {
    const { endpoint, pipeline, lines, run } = await start('push', 150);
    await run();
    const [fast, slow, still, killed] = [
      await peer('pull', endpoint, 0),
      await peer('pull', endpoint, 20),
      await peer('pull', endpoint, 0),
      await peer('pull', endpoint, 5),
    ];
    still!.process.kill('SIGSTOP');
    await until(() => killed!.numbers.length > 10);
    killed!.process.kill('SIGKILL');
    // The run goes on although one peer takes nothing of what it was given.
    const report = await pipeline.closed;
    still!.process.kill('SIGCONT');
    const arrived = () => fast!.numbers.length + slow!.numbers.length + still!.numbers.length + killed!.numbers.length;
    await until(() => arrived() >= FRAMES, 3000);
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
    // What the two that took nothing more had in their queues is lost or undelivered, and the run says so.
    const { delivered, dead } = report.sources.s!.ledger;
    expect(report).toMatchObject({ balanced: true, sources: { s: { ledger: { received: FRAMES, dropped: {} } } } });
    expect(Object.keys(dead).filter((reason) => reason !== 'lost' && reason !== 'undelivered')).toEqual([]);
    expect(delivered + (dead.lost ?? 0) + (dead.undelivered ?? 0)).toBe(FRAMES);
    expect(report.ok).toBe(delivered === FRAMES);
    expect(delivered).toBeGreaterThanOrEqual(FRAMES - 2 * HELD);
    expect(peers.flatMap(({ faults }) => faults)).toEqual([]);
    const numbers = peers.flatMap((one) => one.numbers);
    expect(new Set(numbers).size).toBe(numbers.length);
    console.log(
      `fast ${fast!.numbers.length}, slow ${slow!.numbers.length}, still ${still!.numbers.length}, killed ${killed!.numbers.length}`,
    );
    // Lost with the peer that was killed, and with the one that went on too late to be waited for.
    expect(numbers.length).toBeGreaterThanOrEqual(FRAMES - 2 * HELD);
    expect(fast!.numbers.length).toBeGreaterThan(FRAMES / 3);
  },
);

itFull(
  'PUB: a subscriber that stands still and one that is killed hold up nobody, and what arrives is intact',
  {
    timeout: 120_000,
  },
  async () => {
    const { endpoint, pipeline, lines, run } = await start('pub', 200);
    const startMs = await run();
    const [fast, still, killed] = [await peer('sub', endpoint, 0), await peer('sub', endpoint, 0), await peer('sub', endpoint, 0)];
    still!.process.kill('SIGSTOP');
    await until(() => killed!.numbers.length > 20);
    killed!.process.kill('SIGKILL');
    const report = await pipeline.closed;
    const tookMs = performance.now() - startMs;
    still!.process.kill('SIGCONT');
    await until(() => fast!.numbers.at(-1) === FRAMES - 1, 3000);
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(report.sources.s!.ledger).toMatchObject({ received: FRAMES, delivered: FRAMES });
    expect(peers.flatMap(({ faults }) => faults)).toEqual([]);
    for (const { numbers } of peers) expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    console.log(`fast ${fast!.numbers.length}, still ${still!.numbers.length}, killed ${killed!.numbers.length}, ${tookMs.toFixed(0)} ms`);
    // Frames that came before it had subscribed are not its own.
    expect(fast!.numbers.length).toBeGreaterThan(FRAMES / 3);
    expect(still!.numbers.length).toBeLessThan(fast!.numbers.length);
  },
);
