import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectAllDelivered, expectAllInOrder, runCounterPipeline } from '../support/counter-pipeline.js';
import { openDoor } from '../support/servers/door.js';
import { type RedisServer, startRedisServer } from '../support/servers/redis-server.js';
import { requireServer } from '../support/servers/require-server.js';
import { RespClient } from '../support/servers/resp-client.js';
import { itFull } from '../support/test-size.js';

const redis = requireServer('redis');

describe.skipIf(redis.missing)(redis.suite('a pipeline into a real Redis'), () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(async () => {
    await server?.dispose();
  });

  const readBack = async (stream: string): Promise<{ meta: string; data: Buffer }[]> => {
    const reader = new RespClient(server.port);
    const entries = (await reader.call('XRANGE', stream, '-', '+')) as [id: Buffer, fields: Buffer[]][];
    reader.close();
    return entries.map(([, [metaName, meta, dataName, data]]) => {
      expect([String(metaName), String(dataName)]).toEqual(['meta', 'data']);
      return { meta: String(meta), data: data! };
    });
  };

  itFull('puts every frame of two workers into the stream once, in order and intact', async () => {
    const result = await runCounterPipeline({ type: 'redis', url: server.url, stream: 'plain' }, 1);
    expectAllDelivered(result);
    expect(result.report.sinks.out).toMatchObject({ redelivered: 0, outageMs: 0 });
    expectAllInOrder(await readBack('plain'));
  });

  it('loses and doubles nothing over a lost answer and a restart of the server, counts the repeats and tells the outage', async () => {
    const door = await openDoor(`127.0.0.1:${server.port}`);
    const downMs = 500;
    const result = await runCounterPipeline({ type: 'redis', url: `redis://127.0.0.1:${door.port}`, stream: 'broken' }, 4, [
      { atShare: 0.25, act: async () => door.swallowNextAnswer() },
      {
        atShare: 0.5,
        act: async () => {
          await server.stop();
          await delay(downMs);
          await server.start();
        },
      },
    ]);
    expect(door.swallowed).toBe(1);
    door.close();
    expectAllDelivered(result);
    // The server had the entries whose answer was lost; a batch of this sink is at most 64 frames.
    expect(result.report.sinks.out!.redelivered).toBeGreaterThanOrEqual(1);
    expect(result.report.sinks.out!.redelivered).toBeLessThanOrEqual(2 * 64);
    expect(result.report.sinks.out!.outageMs).toBeGreaterThanOrEqual(downMs);
    expect(result.report.sinks.out!.outageMs).toBeLessThan(1000 * result.report.durationS);
    // Whatever waited for the server has waited at least as long as it was down.
    expect(result.report.latencyUs.max).toBeGreaterThan(1000 * downMs);
    expectAllInOrder(await readBack('broken'));
  });
});
