import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { KAFKA_JARS } from './require-server.js';
import { freePort, ServerProcess } from './server-process.js';

export interface KafkaServer {
  readonly broker: string;
  /** Starts it again on the same ports with the same data. */
  start(): Promise<void>;
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  dispose(): Promise<void>;
}

export interface KafkaTopicRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly headers: ReadonlyMap<string, Buffer>;
  readonly value: Buffer;
}

const run = promisify(execFile);
const CLASS_PATH = ['-cp', join(KAFKA_JARS, '*')];
// Short runs on few cores: the second compiler and the parallel collector would only take time from the tests.
const JVM = ['-Xms128m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', ...CLASS_PATH];

/** One Kafka node, broker and controller (KRaft); topics are made at their first use with four partitions. */
export async function startKafkaServer(
  overrides: Readonly<Record<string, string>> = {},
  formatOptions: readonly string[] = [],
): Promise<KafkaServer> {
  const server = new ServerProcess('kafka');
  const [port, controllerPort] = [await freePort(), await freePort()];
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': join(server.folder, 'data'),
    'num.partitions': '4',
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    // After a kill the controller refuses the broker until its old session is over.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    ...overrides,
  };
  const path = join(server.folder, 'server.properties');
  writeFileSync(
    path,
    Object.entries(properties)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  const clusterId = randomBytes(16);
  clusterId[0]! &= 0x7f; // else one in 64 begins with a hyphen, and is taken for an option
  await run('java', [...JVM, 'kafka.tools.StorageTool', 'format', '-t', clusterId.toString('base64url'), '-c', path, ...formatOptions], {
    timeout: 90_000,
  });
  const start = (): Promise<void> =>
    server.start({
      command: 'java',
      args: [...JVM, 'kafka.Kafka', path],
      // The port opens before the broker takes records.
      ready: (log) => log.includes('Kafka Server started'),
      readyTimeoutMs: 90_000,
    });
  await start();
  return { broker: `127.0.0.1:${port}`, start, stop: (signal) => server.stop(signal), dispose: () => server.dispose() };
}

/** All records of a topic, partition by partition in their order, read by Kafka's own Java client. */
export async function readKafkaTopic(broker: string, topic: string): Promise<KafkaTopicRecord[]> {
  const program = fileURLToPath(new URL('./ReadTopic.java', import.meta.url));
  const { stdout } = await run('java', [...CLASS_PATH, program, broker, topic], { timeout: 120_000, maxBuffer: 2 ** 30 });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [partition, offset, key, value, ...headers] = line.split(' ') as [string, string, string, string, ...string[]];
      return {
        partition: Number(partition),
        offset: Number(offset),
        key: key === '-' ? null : Buffer.from(key, 'base64').toString(),
        value: Buffer.from(value, 'base64'),
        headers: new Map(
          headers.map((header) => header.split(':') as [string, string]).map(([name, text]) => [name, Buffer.from(text, 'base64')]),
        ),
      };
    });
}
