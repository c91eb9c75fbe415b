/**
 * Kafka behind a small port, so that another client can serve later. Today it is `kafkajs`; the only file that imports it.
 */
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ISocketFactoryArgs, SASLOptions } from 'kafkajs';
import type { Logger } from '../errors/logger.js';
import { loadOptional } from './load-optional.js';

export interface KafkaRecord {
  readonly key: string;
  readonly value: Uint8Array;
  readonly headers: Readonly<Record<string, string | Uint8Array>>;
}

/**
 * The meaning of a failed send. `unreachable`: retry unchanged. `no-topic`: the broker does not know the topic, but may
 * create it. `too-large`: the broker rejects these records permanently.
 */
export type KafkaFailure = 'unreachable' | 'no-topic' | 'too-large' | 'sequence' | 'lasting';

export class KafkaSendError extends Error {
  override readonly name = 'KafkaSendError';
  constructor(
    readonly failure: KafkaFailure,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
  /** The broker was reached, and says so. */
  get isAnswer(): boolean {
    return this.failure !== 'unreachable';
  }
}

/** An idempotent producer for one topic, acks from all replicas in sync. */
export interface KafkaProducer {
  /**
   * Writes records of one key, in order, as one batch; resolves when all replicas in sync have it. After `unreachable`
   * the same records may be sent again, and are then written once. No record is read after it settled.
   * @throws KafkaSendError
   */
  send(records: readonly KafkaRecord[]): Promise<void>;
  close(): Promise<void>;
}

export interface KafkaProducerOptions {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly topic: string;
  readonly compression: 'none' | 'gzip';
  /** `ca`: certificates (PEM) of the authorities that the broker may be signed by; absent: those of Node. */
  readonly tls: false | { readonly ca?: string };
  readonly sasl?: KafkaLogin | undefined;
  readonly log: Logger;
  /** Cancels operations in progress, including opening; no connection is made any more. */
  readonly signal: AbortSignal;
}

export interface KafkaLogin {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

/** By the protocol's names of errors. */
const FAILURES: Readonly<Record<string, KafkaFailure>> = {
  MESSAGE_TOO_LARGE: 'too-large',
  RECORD_LIST_TOO_LARGE: 'too-large',
  OUT_OF_ORDER_SEQUENCE_NUMBER: 'sequence',
  DUPLICATE_SEQUENCE_NUMBER: 'sequence',
  UNKNOWN_PRODUCER_ID: 'sequence',
  INVALID_PRODUCER_EPOCH: 'sequence',
  INVALID_PRODUCER_ID_MAPPING: 'sequence',
  TOPIC_AUTHORIZATION_FAILED: 'lasting',
  CLUSTER_AUTHORIZATION_FAILED: 'lasting',
  INVALID_TOPIC_EXCEPTION: 'lasting',
  INVALID_REQUIRED_ACKS: 'lasting',
  UNSUPPORTED_COMPRESSION_TYPE: 'lasting',
  INVALID_RECORD: 'lasting',
  POLICY_VIOLATION: 'lasting',
  SASL_AUTHENTICATION_FAILED: 'lasting',
  ILLEGAL_SASL_STATE: 'lasting',
  UNSUPPORTED_SASL_MECHANISM: 'lasting',
  UNKNOWN_TOPIC_OR_PARTITION: 'no-topic',
  UNSUPPORTED_VERSION: 'lasting',
};

/** kafkajs wraps errors in errors; the innermost one has the cause. */
function asSendError(thrown: unknown, topic: string): KafkaSendError {
  let failure: KafkaFailure = 'unreachable';
  let message = thrown instanceof Error ? thrown.message : String(thrown);
  const names = new Set<string | undefined>();
  for (
    let error = thrown as { name?: string; type?: string; message?: string; cause?: unknown } | undefined;
    error;
    error = error.cause as typeof error
  ) {
    if (error.message) message = error.message;
    names.add(error.name);
    if (error.type !== undefined) failure = FAILURES[error.type] ?? failure;
    if (error.cause === error) break;
  }
  if (names.has('KafkaJSSASLAuthenticationError')) failure = 'lasting';
  if (failure === 'no-topic')
    message = `the broker has no topic '${topic}' (${message}): create it, or let the broker create topics (auto.create.topics.enable)`;
  else if (failure === 'lasting' && !message.includes(topic)) message = `topic '${topic}': ${message}`;
  return new KafkaSendError(failure, message, { cause: thrown });
}

/** Connects and asks for the topic (which makes it where the broker does so). @throws ERR_OPTIONAL_MISSING, KafkaSendError */
export async function openKafkaProducer(options: KafkaProducerOptions): Promise<KafkaProducer> {
  const { Kafka, Partitioners, CompressionTypes } = (await loadOptional<{ default: typeof import('kafkajs') }>('kafkajs')).default;
  const sockets = new Set<Socket>();
  let closed = false;
  const drop = (): void => {
    closed = true;
    // With an error, so that the client settles the requests of the socket.
    for (const socket of sockets) socket.destroy(new Error('closed'));
  };
  options.signal.addEventListener('abort', drop, { once: true });
  if (options.signal.aborted) closed = true;
  const close = async (): Promise<void> => {
    await producer.disconnect().catch(() => {});
    drop();
    options.signal.removeEventListener('abort', drop);
  };

  const socketFactory = ({ host, port, onConnect }: ISocketFactoryArgs): Socket => {
    if (closed) throw new Error('closed');
    const name = isIP(host) ? {} : { servername: host };
    const socket = options.tls ? connectTls({ host, port, ...name, ...options.tls }, onConnect) : connectTcp({ host, port }, onConnect);
    socket.setKeepAlive(true, 60_000);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    return socket;
  };

  // The pauses are short because the caller paces the attempts, and must be able to give up between them.
  const retry = { retries: 2, initialRetryTime: 100, maxRetryTime: 300 };
  const kafka = new Kafka({
    brokers: [...options.brokers],
    clientId: options.clientId,
    connectionTimeout: 5000,
    requestTimeout: 30_000,
    retry,
    ...(options.sasl && { sasl: options.sasl as SASLOptions }),
    socketFactory,
    logCreator: () => (entry) => options.log.debug({ client: 'kafkajs', namespace: entry.namespace }, entry.log.message),
  });
  const producer = kafka.producer({
    idempotent: true,
    // An idempotent producer may not have several requests under way and keep its order.
    maxInFlightRequests: 1,
    retry,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  const compression = options.compression === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None;

  try {
    await producer.connect();
    // Nothing to send: it only looks the topic up, so that its making does not look like an outage later.
    await producer.send({ topic: options.topic, messages: [] });
  } catch (thrown) {
    await close();
    throw asSendError(thrown, options.topic);
  }
  return {
    send: async (records) => {
      const messages = records.map(({ key, value, headers }) => ({ key, value: own(value), headers: ownHeaders(headers) }));
      try {
        await producer.send({ topic: options.topic, acks: -1, compression, messages });
      } catch (thrown) {
        throw asSendError(thrown, options.topic);
      }
    },
    close,
  };
}

const own = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const ownHeaders = (headers: KafkaRecord['headers']): Record<string, string | Buffer> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : own(value)]));
