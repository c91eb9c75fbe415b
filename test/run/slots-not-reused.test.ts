import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Pull, Subscriber } from 'zeromq';
import { checkCounter } from '../../src/ingress/sim/counter.js';
import { runCommand } from '../support/run-command.js';
import { runPipeline } from '../support/run-pipeline.js';
import { readKafkaTopic, startKafkaServer } from '../support/servers/kafka-server.js';
import { startRedisServer } from '../support/servers/redis-server.js';
import { requireServer } from '../support/servers/require-server.js';
import { RespClient } from '../support/servers/resp-client.js';
import { freePort } from '../support/servers/server-process.js';
import { itFull, sized } from '../support/test-size.js';

const MANY = sized(2000, 30_000);
const SOME = sized(200, 2000);
const TIMEOUT = 600_000;

const folder = mkdtempSync(join(tmpdir(), 'millrace-slots-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const redis = requireServer('redis');
const kafka = requireServer('kafka');

/** Two slots that are used again and again, filled with 0xDE as soon as they are released. */
const description = (frames: number, sink: object, shape: readonly number[] = [8, 60]): object => ({
  sources: { s: { type: 'sim', pattern: 'counter', shape, dtype: 'uint8', seed: 9, slots: 2, frames } },
  sinks: { out: { from: 's', capacity: 1, ...sink } },
});

async function deliver(frames: number, sink: object, shape?: readonly number[]): Promise<void> {
  const { report, lines } = await runPipeline(description(frames, sink, shape), { poison: true });
  expect(lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
  expect(report).toMatchObject({ ok: true, balanced: true });
  expect(report.sources.s!.ledger).toMatchObject({ received: frames, delivered: frames, dead: {}, dropped: {} });
}

/** What is wrong with a frame of the pattern `counter`, in words; undefined for none. */
function fault(bytes: Uint8Array, number: number): string | undefined {
  const verdict = checkCounter(bytes);
  if (!verdict.intact) return `frame ${number} is corrupt: ${Buffer.from(bytes.subarray(0, 16)).toString('hex')}...`;
  return verdict.number === number ? undefined : `frame ${verdict.number} in place of ${number}`;
}

function expectIntact(frames: Iterable<Uint8Array>, count: number): void {
  const faults: string[] = [];
  let number = 0;
  for (const bytes of frames) {
    const wrong = fault(bytes, number++);
    if (wrong) faults.push(wrong);
  }
  expect(faults.slice(0, 5)).toEqual([]);
  expect(number).toBe(count);
}

describe('with two slots, poisoned as they are released, every frame is intact and in order', () => {
  itFull(`at the null sink (${MANY} frames)`, { timeout: TIMEOUT }, () => deliver(MANY, { type: 'null', checksum: true }));

  it('and the check would see a slot that is released too early', async () => {
    expect(fault(new Uint8Array(480).fill(0xde), 3)).toMatch(/corrupt/);
  });

  itFull(`at the print sink (${MANY} frames)`, { timeout: TIMEOUT }, async () => {
    const run = await runCommand(folder, 'print.yaml', description(MANY, { type: 'print', format: 'json', data: true }, [1, 40]), [
      '--report',
      join(folder, 'r.json'),
    ]);
    expect(run.code).toBe(0);
    const lines = run.stdout.split('\n').filter((line) => line.startsWith('{'));
    expectIntact(
      lines.map((line) => Uint8Array.from((JSON.parse(line).data as number[]).flat(9))),
      MANY,
    );
  });

  it(`in NDJSON (${MANY} frames)`, { timeout: TIMEOUT }, async () => {
    const path = join(folder, 'frames.ndjson');
    await deliver(MANY, { type: 'file', format: 'ndjson', path }, [1, 40]);
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expectIntact(
      lines.map((line) => Uint8Array.from((JSON.parse(line).data as number[]).flat(9))),
      MANY,
    );
  });

  itFull(`in NPY files (${SOME} frames)`, { timeout: TIMEOUT }, async () => {
    await deliver(SOME, { type: 'file', format: 'npy', path: join(folder, 'npy', '{ordinal}.npy') }, [64, 64]);
    const names = readdirSync(join(folder, 'npy')).sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
    expectIntact(
      names.map((name) => readFileSync(join(folder, 'npy', name)).subarray(-64 * 64)),
      SOME,
    );
  });

  itFull(`in images (${SOME} frames)`, { timeout: TIMEOUT }, async () => {
    const { default: sharp } = await import('sharp');
    // A byte frame is encoded from the slot itself.
    await deliver(SOME, { type: 'image', path: join(folder, 'png', '{ordinal}.png') }, [64, 64]);
    const names = readdirSync(join(folder, 'png')).sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
    expect(names.length).toBe(SOME);
    const faults: string[] = [];
    for (const [number, name] of names.entries()) {
      const { data, info } = await sharp(join(folder, 'png', name))
        .raw()
        .toBuffer({ resolveWithObject: true });
      const bytes = Uint8Array.from({ length: 64 * 64 }, (_, i) => data[i * info.channels]!);
      const wrong = fault(bytes, number);
      if (wrong) faults.push(wrong);
    }
    expect(faults.slice(0, 5)).toEqual([]);
  });

  it(`at a PULL behind zmq push (${MANY} frames)`, { timeout: TIMEOUT }, async () => {
    const endpoint = `tcp://127.0.0.1:${await freePort()}`;
    const pull = new Pull({ receiveHighWaterMark: 1000 });
    await pull.bind(endpoint);
    const running = deliver(MANY, { type: 'zmq', socket: 'push', connect: endpoint });
    const faults: string[] = [];
    for (let number = 0; number < MANY; number++) {
      const [, data] = await pull.receive();
      const wrong = fault(data!, number);
      if (wrong) faults.push(wrong);
    }
    await running;
    pull.close();
    expect(faults.slice(0, 5)).toEqual([]);
  });

  it(`at a SUB behind zmq pub (${MANY} frames): none is corrupt, and the loss is counted by the numbers`, {
    timeout: TIMEOUT,
  }, async () => {
    const endpoint = `tcp://127.0.0.1:${await freePort()}`;
    const subscriber = new Subscriber({ receiveTimeout: 2000 });
    subscriber.connect(endpoint);
    subscriber.subscribe();
    const running = deliver(MANY, { type: 'zmq', socket: 'pub', bind: endpoint });
    let last = -1;
    let arrived = 0;
    let lost = 0;
    const faults: string[] = [];
    try {
      while (last < MANY - 1) {
        const [, data] = await subscriber.receive();
        const verdict = checkCounter(data!);
        if (!verdict.intact || verdict.number <= last) faults.push(`${verdict.number} after ${last}, intact ${verdict.intact}`);
        lost += verdict.number - last - 1;
        last = verdict.number;
        arrived++;
      }
    } catch (thrown) {
      expect((thrown as { code?: string }).code).toBe('EAGAIN');
      lost += MANY - 1 - last;
    }
    await running;
    subscriber.close();
    expect(faults.slice(0, 5)).toEqual([]);
    expect(arrived + lost).toBe(MANY);
    expect(arrived).toBeGreaterThan(0);
  });
});

describe.skipIf(redis.missing)(redis.suite('the same through redis'), () => {
  itFull(`${MANY} frames in a stream`, { timeout: TIMEOUT }, async () => {
    const server = await startRedisServer();
    try {
      await deliver(MANY, { type: 'redis', url: server.url, stream: 'frames' });
      const reader = new RespClient(server.port);
      const entries = (await reader.call('XRANGE', 'frames', '-', '+')) as [Buffer, Buffer[]][];
      reader.close();
      expectIntact(
        entries.map(([, fields]) => fields[3]!),
        MANY,
      );
    } finally {
      await server.dispose();
    }
  });
});

describe.skipIf(kafka.missing)(kafka.suite('the same through Kafka'), () => {
  itFull(`${SOME} frames in a topic`, { timeout: TIMEOUT }, async () => {
    const server = await startKafkaServer();
    try {
      await deliver(SOME, { type: 'kafka', brokers: [server.broker], topic: 'frames' });
      const records = await readKafkaTopic(server.broker, 'frames');
      const filled = new Set(records.map(({ partition }) => partition));
      expect(filled.size).toBe(1); // one key, the source: one partition, so that order is kept
      expectIntact(
        records.map(({ value }) => value),
        SOME,
      );
    } finally {
      await server.dispose();
    }
  });
});
