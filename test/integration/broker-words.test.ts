import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { array10 } from '../../src/codecs/array-1.0.js';
import { kafkaEgress } from '../../src/egress/kafka-egress.js';
import { redisEgress } from '../../src/egress/redis-egress.js';
import { drive, egressContext } from '../support/poisoned-frames.js';
import { type Certificates, makeCertificates } from '../support/servers/certificates.js';
import { type KafkaServer, startKafkaServer } from '../support/servers/kafka-server.js';
import { type RedisServer, startRedisServer } from '../support/servers/redis-server.js';
import { requireServer } from '../support/servers/require-server.js';
import { RespClient } from '../support/servers/resp-client.js';
import { freePort } from '../support/servers/server-process.js';

const kafka = requireServer('kafka');
const redis = requireServer('redis');
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

describe.skipIf(kafka.missing || !hasOpenssl)(
  kafka.suite('kafka sink, a broker with login, TLS and no topics of itself (needs openssl)'),
  { timeout: 180_000 },
  () => {
    let server: KafkaServer;
    let certificates: Certificates;
    const login = (mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512', password = 'secret') => ({
      mechanism,
      username: 'alice',
      password,
    });

    beforeAll(async () => {
      certificates = makeCertificates();
      const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule required';
      const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required';
      const options = (['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const).flatMap((name) => [
        '--add-scram',
        `${name}=[name=alice,password=secret]`,
      ]);
      server = await startKafkaServer(
        {
          'auto.create.topics.enable': 'false',
          'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:SASL_SSL',
          'inter.broker.listener.name': 'PLAINTEXT',
          'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
          'sasl.mechanism.inter.broker.protocol': 'PLAIN',
          'listener.name.plaintext.plain.sasl.jaas.config': `${plain} username="admin" password="admin" user_admin="admin" user_alice="secret";`,
          'listener.name.plaintext.scram-sha-256.sasl.jaas.config': `${scram};`,
          'listener.name.plaintext.scram-sha-512.sasl.jaas.config': `${scram};`,
          'ssl.keystore.type': 'PEM',
          'ssl.keystore.location': certificates.keyStore,
          'ssl.truststore.type': 'PEM',
          'ssl.truststore.location': certificates.ca,
        },
        options,
      );
    });
    afterAll(async () => {
      await server?.dispose();
      certificates?.dispose();
    });

    const sink = (options: object) => {
      const context = egressContext(array10);
      const egress = kafkaEgress.create(
        { brokers: server.broker, topic: 'frames', tls: { ca: certificates.ca }, openTimeoutMs: 1500, ...options },
        context,
      );
      return { context, egress };
    };

    it('a topic that is missing is named at once, and when the time is over', async () => {
      const { context, egress } = sink({ topic: 'frames-nope', sasl: login('plain') });
      await expect(egress.open()).rejects.toThrow(/sink sink: the broker has no topic 'frames-nope' .*create it/);
      await egress.close();
      expect(context.lines[0]).toMatch(/the server of sink 'sink' answers: the broker has no topic 'frames-nope'/);
      expect(context.lines.join('\n')).not.toContain('cannot reach');
    });

    it('frames are delivered with each mechanism, over a certificate of an authority of ours', async () => {
      const ssl = { ca: [readFileSync(certificates.ca, 'utf8')] };
      const client = new kafkajs.Kafka({
        brokers: [server.broker],
        ssl,
        sasl: login('plain') as kafkajs.SASLOptions,
        logLevel: kafkajs.logLevel.NOTHING,
      });
      const admin = client.admin();
      await admin.connect();
      await admin.createTopics({ topics: [{ topic: 'frames', numPartitions: 1 }], waitForLeaders: true });
      for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512'] as const) {
        const { egress } = sink({ sasl: login(mechanism), openTimeoutMs: 20_000 });
        await egress.open();
        expect(await drive(egress, { frames: 20, batch: 10 })).toMatchObject({ refused: [] });
        await egress.close();
      }
      const [partition] = await admin.fetchTopicOffsets('frames');
      await admin.disconnect();
      expect(partition?.high).toBe('60');
    });

    it.each(['plain', 'scram-sha-256'] as const)('a wrong password is refused at once, and not in the text (%s)', async (mechanism) => {
      const { context, egress } = sink({ sasl: login(mechanism, 'wrong-canary'), openTimeoutMs: 20_000 });
      const failed = await egress.open().then(
        () => undefined,
        (error: Error) => error,
      );
      await egress.close();
      expect(failed?.message).toMatch(/sink sink: .*(authentication|credentials)/i);
      expect(`${failed?.message}${context.lines}`).not.toContain('wrong-canary');
      expect(context.lines.join('\n')).not.toContain('cannot reach');
    });

    it('without the authority the certificate is not trusted', async () => {
      const { egress } = sink({ tls: true, sasl: login('plain') });
      await expect(egress.open()).rejects.toThrow(/certificate/i);
      await egress.close();
    });
  },
);

describe.skipIf(redis.missing || !hasOpenssl)(
  redis.suite('redis sink, words of the server and TLS (needs openssl)'),
  { timeout: 60_000 },
  () => {
    let server: RedisServer;
    let certificates: Certificates;
    let tlsPort: number;

    beforeAll(async () => {
      certificates = makeCertificates();
      tlsPort = await freePort();
      server = await startRedisServer({
        'tls-port': String(tlsPort),
        'tls-cert-file': certificates.certificate,
        'tls-key-file': certificates.key,
        'tls-ca-cert-file': certificates.ca,
        'tls-auth-clients': 'no',
      });
    });
    afterAll(async () => {
      await server?.dispose();
      certificates?.dispose();
    });

    const call = async (...command: string[]): Promise<unknown> => {
      const client = new RespClient(server.port);
      try {
        return await client.call(...command);
      } finally {
        client.close();
      }
    };

    it('frames go over TLS to a server whose certificate is of an authority of ours, and not without it', async () => {
      const url = `rediss://127.0.0.1:${tlsPort}`;
      const egress = redisEgress.create({ url, stream: 'secure', tls: { ca: certificates.ca } }, egressContext(array10));
      await egress.open();
      expect(await drive(egress, { frames: 30, batch: 10 })).toMatchObject({ refused: [] });
      await egress.close();
      expect(await call('XLEN', 'secure')).toBe(30);
      const trusting = redisEgress.create({ url, stream: 'secure', openTimeoutMs: 300 }, egressContext(array10));
      await expect(trusting.open()).rejects.toThrow(/certificate/i);
      await trusting.close();
    });

    it('a key of another type is named, with what to do', async () => {
      await call('SET', 'taken', '1');
      const egress = redisEgress.create({ url: server.url, stream: 'taken', openTimeoutMs: 300 }, egressContext(array10));
      await expect(egress.open()).rejects.toThrow(/the key 'taken' is not a stream \(WRONGTYPE/);
      await egress.close();
    });

    it('a server that is out of memory is said to answer so, and delivers again when there is room', async () => {
      const context = egressContext(array10);
      const egress = redisEgress.create({ url: server.url, stream: 'full' }, context);
      await egress.open();
      await call('CONFIG', 'SET', 'maxmemory', '1');
      const written = drive(egress, { frames: 10, batch: 10 });
      while (!context.lines.some((line) => line.includes('answers'))) await new Promise((resolve) => setTimeout(resolve, 20));
      await call('CONFIG', 'SET', 'maxmemory', '0');
      await written;
      await egress.close();
      expect(context.lines[0]).toMatch(/the server of sink 'sink' answers: OOM/);
      expect(context.lines.at(-1)).toMatch(/sink 'sink' delivers again/);
      expect(context.lines.join('\n')).not.toContain('cannot reach');
      expect(await call('XLEN', 'full')).toBe(10);
    });
  },
);

it('options of TLS that cannot be met are refused before anything starts', async () => {
  const place = { baseDir: '/' };
  expect(() => kafkaEgress.check!({ topic: 'a', tls: { ca: 'no/such/file.pem' } }, place)).toThrow(
    expect.objectContaining({ code: 'ERR_CONFIG_FILE' }),
  );
  expect(() => redisEgress.check!({ stream: 'a', url: 'redis://h', tls: { ca: 'x' } }, place)).toThrow(/rediss:/);
});
