import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectAllDelivered, expectAllInOrder, runCounterPipeline } from '../support/counter-pipeline.js';
import { type KafkaServer, readKafkaTopic, startKafkaServer } from '../support/servers/kafka-server.js';
import { requireServer } from '../support/servers/require-server.js';
import { itFull } from '../support/test-size.js';

const kafka = requireServer('kafka');

describe.skipIf(kafka.missing)(kafka.suite('a pipeline into a real Kafka'), { timeout: 180_000 }, () => {
  let server: KafkaServer;
  beforeAll(async () => {
    server = await startKafkaServer();
  });
  afterAll(async () => {
    await server?.dispose();
  });

  const readBack = async (topic: string): Promise<{ meta: string; data: Buffer }[]> => {
    const records = await readKafkaTopic(server.broker, topic);
    expect(new Set(records.map(({ key, partition }) => `${key} in ${partition}`)).size, 'one key, one partition').toBe(1);
    expect(records[0]!.key).toBe('detector');
    return records.map(({ headers, value }) => ({ meta: String(headers.get('millrace')), data: value }));
  };

  it('puts every frame of two workers into the topic once, in order and intact', async () => {
    const result = await runCounterPipeline({ type: 'kafka', brokers: server.broker, topic: 'plain' }, 1);
    expectAllDelivered(result);
    expect(result.report.sinks.out).toMatchObject({ redelivered: 0, outageMs: 0 });
    expectAllInOrder(await readBack('plain'));
  });

  itFull('loses and doubles nothing when the broker is stopped and started in the middle, and tells the outage', async () => {
    let downMs = 0;
    const result = await runCounterPipeline({ type: 'kafka', brokers: server.broker, topic: 'broken' }, 8, [
      {
        atShare: 0.3,
        act: async () => {
          await server.stop();
          const stoppedMs = performance.now();
          await server.start();
          downMs = performance.now() - stoppedMs;
        },
      },
    ]);
    expectAllDelivered(result);
    // Whatever was sent twice, the broker has recognised.
    expect(result.report.sinks.out!.redelivered).toBe(0);
    expect(result.report.sinks.out!.outageMs).toBeGreaterThan(0.5 * downMs);
    expect(result.report.sinks.out!.outageMs).toBeLessThan(1000 * result.report.durationS);
    expectAllInOrder(await readBack('broken'));
  });
});
