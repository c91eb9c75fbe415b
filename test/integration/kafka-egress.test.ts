import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { array10 } from '../../src/codecs/array-1.0.js';
import { kafkaEgress } from '../../src/egress/kafka-egress.js';
import { drive, egressContext, payloadOf, sharedFrame } from '../support/poisoned-frames.js';
import { openDoor } from '../support/servers/door.js';
import { type KafkaServer, type KafkaTopicRecord, readKafkaTopic, startKafkaServer } from '../support/servers/kafka-server.js';
import { requireServer } from '../support/servers/require-server.js';
import { freePort } from '../support/servers/server-process.js';
import { itFull } from '../support/test-size.js';

const kafka = requireServer('kafka');
const FRAMES = 2000;

describe.skipIf(kafka.missing)(kafka.suite('kafka sink against a real broker'), { timeout: 180_000 }, () => {
  let server: KafkaServer;

  beforeAll(async () => {
    server = await startKafkaServer();
  });
  afterAll(async () => {
    await server?.dispose();
  });

  const expectAllInOrder = (found: KafkaTopicRecord[], frames: number): void => {
    expect(found.length).toBe(frames);
    expect(new Set(found.map(({ partition }) => partition)).size).toBe(1);
    for (const [ordinal, { key, headers, value }] of found.entries()) {
      expect(key).toBe('detector');
      expect(JSON.parse(String(headers.get('millrace')))).toMatchObject({
        htype: 'array-1.0',
        type: 'uint8',
        frame: ordinal + 1000,
        series: 7,
      });
      expect(value.equals(payloadOf(ordinal))).toBe(true);
    }
  };

  itFull('every frame is in the topic once, in order and intact, although its memory is overwritten at once', async () => {
    const context = egressContext(array10);
    const egress = kafkaEgress.create({ brokers: server.broker, topic: 'plain', headers: { beamline: 'B1' } }, context);
    await egress.open();
    expect(await drive(egress, { frames: FRAMES, batch: 64 })).toEqual({ redelivered: 0, refused: [] });
    await egress.close();
    const found = await readKafkaTopic(server.broker, 'plain');
    expectAllInOrder(found, FRAMES);
    expect(String(found[0]!.headers.get('beamline'))).toBe('B1');
    expect(context.outageMs).toBe(0);
  });

  itFull(
    'nothing is lost, doubled or out of order when the broker is stopped and killed in the middle, and the outage is told',
    async () => {
      const context = egressContext(array10);
      const egress = kafkaEgress.create({ brokers: server.broker, topic: 'broken', compression: 'gzip' }, context);
      await egress.open();
      const restarts: Promise<void>[] = [];
      // Not awaited here: the broker goes while frames are being written, and the next time only when it is back.
      const restart = (signal: 'SIGTERM' | 'SIGKILL') => async () => {
        await Promise.all(restarts);
        restarts.push(server.stop(signal).then(() => server.start()));
      };
      const at = new Map([
        [300, restart('SIGTERM')],
        [1200, restart('SIGKILL')],
      ]);
      const { refused } = await drive(egress, { frames: FRAMES, batch: 64, at, pauseMs: 100 });
      await Promise.all(restarts);
      await egress.close();
      expect(restarts.length).toBe(2);
      expect(refused).toEqual([]);
      expectAllInOrder(await readKafkaTopic(server.broker, 'broken'), FRAMES);
      expect(context.outageMs).toBeGreaterThan(1000);
    },
  );

  itFull('a frame over the limit is refused with the names of the settings, and its neighbours arrive', async () => {
    // Above what the broker takes by default, so that the second of the two large frames is refused by the broker itself.
    const context = egressContext(array10);
    const egress = kafkaEgress.create({ brokers: server.broker, topic: 'large', maxMessageBytes: 2_000_000 }, context);
    await egress.open();
    const memory = new SharedArrayBuffer(4_000_000);
    const frames = [new Uint8Array(100).fill(1), new Uint8Array(2_000_000), new Uint8Array(1_200_000), new Uint8Array(100).fill(4)];
    let address = 0;
    const batch = frames.map((payload, ordinal) => {
      const frame = sharedFrame(memory, address, ordinal, payload);
      address += payload.byteLength;
      return frame;
    });
    const delivery = await egress.write(batch);
    await egress.close();
    expect(delivery?.refused?.map(({ index, reason }) => [index, reason])).toEqual([
      [1, 'sink-too-large'],
      [2, 'sink-too-large'],
    ]);
    for (const { detail } of delivery!.refused!) expect(detail).toMatch(/message\.max\.bytes.*max\.request\.size/);
    const found = await readKafkaTopic(server.broker, 'large');
    expect(found.map(({ value }) => value[0])).toEqual([1, 4]);
  });

  it('a batch as large as the limit is taken by a broker with its default limit', async () => {
    const context = egressContext(array10);
    const egress = kafkaEgress.create({ brokers: server.broker, topic: 'edge' }, context);
    await egress.open();
    // Found by the sink's own bound: the largest payload that it does not refuse.
    const memory = new SharedArrayBuffer(1_048_576);
    let refusedAt = 1_048_576;
    let takenAt = 1_000_000;
    while (refusedAt - takenAt > 1) {
      const middle = (refusedAt + takenAt) >> 1;
      const delivery = await egress.write([sharedFrame(memory, 0, 0, new Uint8Array(middle))]);
      if (delivery?.refused) {
        expect(delivery.refused[0]!.detail).toContain('maxMessageBytes of this sink');
        refusedAt = middle;
      } else takenAt = middle;
    }
    await egress.close();
    expect(takenAt).toBeGreaterThan(1_048_000);
  });

  itFull('a key of sequence numbers spreads the frames over the partitions and loses none', async () => {
    const egress = kafkaEgress.create({ brokers: server.broker, topic: 'spread', key: 'n{sequence}' }, egressContext(array10));
    await egress.open();
    await drive(egress, { frames: 200, batch: 32 });
    await egress.close();
    const found = await readKafkaTopic(server.broker, 'spread');
    expect(new Set(found.map(({ partition }) => partition)).size).toBe(4);
    expect(found.map(({ key }) => key).sort()).toEqual(Array.from({ length: 200 }, (_, ordinal) => `n${ordinal + 1000}`).sort());
    for (const { key, value } of found) expect(value.equals(payloadOf(Number(key!.slice(1)) - 1000))).toBe(true);
  });

  itFull('records whose answer was lost are sent again and stand in the topic once', async () => {
    const port = await freePort();
    const own = await startKafkaServer({ 'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}` });
    const door = await openDoor(own.broker, port);
    try {
      const context = egressContext(array10);
      const egress = kafkaEgress.create({ brokers: `127.0.0.1:${port}`, topic: 'lost-answer' }, context);
      await egress.open();
      const memory = new SharedArrayBuffer(65_536);
      const frame = (ordinal: number) => sharedFrame(memory, ordinal * 4096, ordinal, payloadOf(ordinal));
      await egress.write([frame(0)]);
      door.swallowNextAnswer();
      await egress.write([frame(1), frame(2)]);
      expect(door.swallowed).toBe(1);
      await egress.write([frame(3)]);
      await egress.close();
      expectAllInOrder(await readKafkaTopic(`127.0.0.1:${port}`, 'lost-answer'), 4);
    } finally {
      door.close();
      await own.dispose();
    }
  });

  itFull('a write that waits for a dead broker rejects soon after the signal', async () => {
    const own = await startKafkaServer();
    const context = egressContext(array10);
    const egress = kafkaEgress.create({ brokers: own.broker, topic: 't' }, context);
    await egress.open();
    await own.stop('SIGKILL');
    await own.dispose();
    const frame = sharedFrame(new SharedArrayBuffer(4096), 0, 0, payloadOf(0));
    const settled = expect(egress.write([frame])).rejects.toMatchObject({ code: 'ERR_SINK' });
    await delay(1500);
    const abortedAt = performance.now();
    context.abort();
    await settled;
    expect(performance.now() - abortedAt).toBeLessThan(3000);
    expect(context.outageMs).toBeGreaterThan(1000);
    await egress.close();
  });

  it('an address where no broker is fails the opening with the reason', async () => {
    const egress = kafkaEgress.create({ brokers: '127.0.0.1:1', topic: 't', openTimeoutMs: 500 }, egressContext(array10));
    await expect(egress.open()).rejects.toMatchObject({ code: 'ERR_SINK' });
    await egress.close();
  });
});
