import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { array10 } from '../../src/codecs/array-1.0.js';
import { raw } from '../../src/codecs/raw.js';
import { redisEgress } from '../../src/egress/redis-egress.js';
import { drive, egressContext, payloadOf, sharedFrame } from '../support/poisoned-frames.js';
import { openDoor } from '../support/servers/door.js';
import { type RedisServer, startRedisServer } from '../support/servers/redis-server.js';
import { requireServer } from '../support/servers/require-server.js';
import { RespClient } from '../support/servers/resp-client.js';

const redis = requireServer('redis');
const FRAMES = 2000;

type StreamEntry = [id: Buffer, fields: Buffer[]];

describe.skipIf(redis.missing)(redis.suite('redis sink against a real server'), () => {
  let server: RedisServer;
  let reader: RespClient;

  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(async () => {
    reader?.close();
    await server?.dispose();
  });

  const read = async (...command: string[]): Promise<unknown> => {
    reader?.close();
    reader = new RespClient(server.port);
    return await reader.call(...command);
  };
  const entries = async (stream: string): Promise<StreamEntry[]> => (await read('XRANGE', stream, '-', '+')) as StreamEntry[];

  const expectAllInOrder = (found: StreamEntry[], frames: number): void => {
    expect(found.length).toBe(frames);
    for (const [ordinal, [, fields]] of found.entries()) {
      expect(fields.length).toBe(4);
      expect([String(fields[0]), String(fields[2])]).toEqual(['meta', 'data']);
      const meta = JSON.parse(String(fields[1]));
      expect(meta).toMatchObject({ htype: 'array-1.0', type: 'uint8', frame: ordinal + 1000, series: 7, shape: [fields[3]!.byteLength] });
      expect(fields[3]!.equals(payloadOf(ordinal))).toBe(true);
    }
  };

  it('every frame is in the stream once, in order and intact, although its memory is overwritten at once', async () => {
    const context = egressContext(array10);
    const egress = redisEgress.create({ url: server.url, stream: 'plain' }, context);
    await egress.open();
    expect(await drive(egress, { frames: FRAMES, batch: 64 })).toEqual({ redelivered: 0, refused: [] });
    await egress.close();
    expectAllInOrder(await entries('plain'), FRAMES);
    expect(context.outageMs).toBe(0);
  });

  it('nothing is lost, doubled or out of order when the server is stopped and killed in the middle, and the outage is told', async () => {
    const context = egressContext(array10);
    const egress = redisEgress.create({ url: server.url, stream: 'broken' }, context);
    await egress.open();
    const restarts: Promise<void>[] = [];
    // Not awaited here: the server goes while frames are being written, and the next time only when it is back.
    const restart = (signal: 'SIGTERM' | 'SIGKILL') => async () => {
      await Promise.all(restarts);
      restarts.push(
        server
          .stop(signal)
          .then(() => delay(400))
          .then(() => server.start()),
      );
    };
    const at = new Map([
      [300, restart('SIGTERM')],
      [1200, restart('SIGKILL')],
    ]);
    const { refused } = await drive(egress, { frames: FRAMES, batch: 64, at, pauseMs: 5 });
    await Promise.all(restarts);
    await egress.close();
    expect(restarts.length).toBe(2);
    expect(refused).toEqual([]);
    expectAllInOrder(await entries('broken'), FRAMES);
    expect(context.outageMs).toBeGreaterThan(700);
    expect(context.outageMs).toBeLessThan(20_000);
  });

  it('entries whose answer was lost are recognised after the break and counted as redelivered', async () => {
    const door = await openDoor(`127.0.0.1:${server.port}`);
    const context = egressContext(array10);
    const egress = redisEgress.create({ url: `redis://127.0.0.1:${door.port}`, stream: 'lost-answer' }, context);
    await egress.open();
    const memory = new SharedArrayBuffer(65_536);
    const frames = [0, 1, 2].map((ordinal) => sharedFrame(memory, ordinal * 4096, ordinal, payloadOf(ordinal)));
    door.swallowNextAnswer();
    const delivery = await egress.write(frames);
    await egress.close();
    door.close();
    expect(delivery?.redelivered).toBe(3);
    expectAllInOrder(await entries('lost-answer'), 3);
  });

  it('ids rise above what a former run or another writer left in the stream, even far in the future', async () => {
    await read('XADD', 'shared', '99999999999999-5', 'data', 'theirs');
    const context = egressContext(raw);
    const egress = redisEgress.create({ url: server.url, stream: 'shared' }, context);
    await egress.open();
    const memory = new SharedArrayBuffer(65_536);
    const frame = (ordinal: number) => sharedFrame(memory, ordinal * 4096, ordinal, payloadOf(ordinal));
    await egress.write([frame(0)]);
    await read('XADD', 'shared', '99999999999999-100', 'data', 'theirs');
    expect((await egress.write([frame(1), frame(2)]))?.redelivered ?? 0).toBe(0);
    await egress.close();
    const again = redisEgress.create({ url: server.url, stream: 'shared' }, egressContext(raw));
    await again.open();
    await again.write([frame(3)]);
    await again.close();
    const found = await entries('shared');
    expect(found.map(([id]) => String(id))).toEqual([5, 6, 100, 101, 102, 103].map((sequence) => `99999999999999-${sequence}`));
    const ours = found.filter(([, fields]) => String(fields[1]) !== 'theirs');
    for (const [ordinal, [, fields]] of ours.entries()) {
      expect(String(fields[0])).toBe('data');
      expect(fields[1]!.equals(payloadOf(ordinal))).toBe(true);
    }
  });

  it('maxlen keeps about that many of the newest entries', async () => {
    const egress = redisEgress.create({ url: server.url, stream: 'trimmed', maxlen: 100 }, egressContext(array10));
    await egress.open();
    await drive(egress, { frames: 1000, batch: 16 });
    await egress.close();
    const found = await entries('trimmed');
    expect(found.length).toBeGreaterThanOrEqual(100);
    expect(found.length).toBeLessThan(300);
    expect(found.at(-1)![1][3]!.equals(payloadOf(999))).toBe(true);
  });

  it('a channel gets the header, a newline and the bytes of each frame in order', async () => {
    const subscriber = new RespClient(server.port);
    await subscriber.call('SUBSCRIBE', 'live');
    const egress = redisEgress.create({ url: server.url, channel: 'live' }, egressContext(array10));
    await egress.open();
    const driven = drive(egress, { frames: 300, batch: 32 });
    for (let ordinal = 0; ordinal < 300; ordinal++) {
      const [, , message] = (await subscriber.read()) as Buffer[];
      const newline = message!.indexOf('\n');
      expect(JSON.parse(message!.subarray(0, newline).toString()).frame).toBe(ordinal + 1000);
      expect(message!.subarray(newline + 1).equals(payloadOf(ordinal))).toBe(true);
    }
    await driven;
    await egress.close();
    subscriber.close();
  });

  it('a write that waits for a dead server rejects soon after the signal', async () => {
    const own = await startRedisServer();
    const context = egressContext(array10);
    const egress = redisEgress.create({ url: own.url, stream: 's' }, context);
    await egress.open();
    await own.dispose();
    const frame = sharedFrame(new SharedArrayBuffer(4096), 0, 0, payloadOf(0));
    const write = egress.write([frame]) as Promise<unknown>;
    const settled = expect(write).rejects.toMatchObject({ code: 'ERR_SINK' });
    await delay(300);
    const abortedAt = performance.now();
    context.abort();
    await settled;
    expect(performance.now() - abortedAt).toBeLessThan(1000);
    expect(context.outageMs).toBeGreaterThan(200);
    await egress.close();
  });

  it('a key of another type fails the sink at once with the answer of the server', async () => {
    await read('SET', 'text', 'x');
    const egress = redisEgress.create({ url: server.url, stream: 'text' }, egressContext(array10));
    await expect(egress.open()).rejects.toMatchObject({ code: 'ERR_SINK', message: expect.stringContaining('WRONGTYPE') });
    await egress.close();
  });
});
