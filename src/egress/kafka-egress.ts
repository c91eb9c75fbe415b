import { MillraceError } from '../errors/errors.js';
import type { Frame } from '../frame/frame.js';
import { type KafkaLogin, type KafkaProducer, type KafkaRecord, KafkaSendError, openKafkaProducer } from '../transports/kafka.js';
import { KAFKA_ADDRESS } from '../transports/relay-address.js';
import type { Delivery, Egress, EgressContext, EgressDefinition } from './egress.js';
import { encodeFrames, type RefusedFrame } from './encode-frames.js';
import { Outage } from './outage.js';
import { checkTls, readTls, TLS_SCHEMA, type TlsOptions } from './tls-options.js';

export interface KafkaEgressOptions {
  readonly brokers?: string | readonly string[];
  readonly topic: string;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly compression?: 'none' | 'gzip';
  readonly maxMessageBytes?: number;
  readonly clientId?: string;
  readonly tls?: boolean | TlsOptions;
  readonly sasl?: KafkaLogin;
  readonly openTimeoutMs?: number;
}

interface Outgoing {
  readonly index: number;
  readonly record: KafkaRecord;
  readonly lengthBytes: number;
}

const DEFAULT_MAX_MESSAGE_BYTES = 1_048_576;
/** Header of a record batch (61 bytes), and room for the lengths and offsets of one record and of one header. */
const BATCH_OVERHEAD_BYTES = 61;
const RECORD_OVERHEAD_BYTES = 32;
const HEADER_OVERHEAD_BYTES = 10;

/**
 * Frames as records of a Kafka topic: key = name of the source unless configured, header `millrace` = the JSON part,
 * value = the bytes. A codec of one part uses that part as the value, without a header.
 *
 * Delivered means: all in-sync replicas have it (acks all). Frames of one key stay in order, also across a lost
 * connection. The producer is idempotent: the broker recognises records that are sent again after a lost connection and
 * writes them once, so none count as redelivered. If the broker has forgotten the producer, a new producer sends the
 * records again, and records that the old one had written are duplicated: a warning says so, the number is unknown. If
 * the client repairs a connection itself in less than a second, no outage is reported.
 */
class KafkaEgress implements Egress {
  readonly #options: KafkaEgressOptions;
  readonly #context: EgressContext;
  readonly #outage: Outage;
  readonly #maxMessageBytes: number;
  #producer: KafkaProducer | undefined;

  constructor(options: KafkaEgressOptions, context: EgressContext) {
    this.#options = options;
    this.#context = context;
    this.#outage = new Outage(context, brokerList(options.brokers));
    this.#maxMessageBytes = options.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES;
  }

  async open(): Promise<void> {
    try {
      await this.#outage.until(() => this.#connected(), this.#options.openTimeoutMs ?? 30_000, isLasting);
    } catch (thrown) {
      throw this.#failure(thrown);
    }
  }

  async write(frames: readonly Frame[]): Promise<Delivery | undefined> {
    const { encoded, refused } = encodeFrames(this.#context.codec, frames);
    const byKey = new Map<string, Outgoing[]>();
    for (const { index, parts } of encoded) {
      const frame = frames[index]!;
      if (parts.length !== 1 && parts.length !== 2) {
        const detail = `${which(frame)}: the codec ${this.#context.codec.name} produces ${parts.length} parts, but kafka takes 1 or 2`;
        refused.push({ index, reason: 'encode-failed', detail });
        continue;
      }
      const record = this.#record(parts, frame);
      const lengthBytes = recordBytes(record);
      if (BATCH_OVERHEAD_BYTES + lengthBytes > this.#maxMessageBytes) {
        refused.push(this.#tooLarge(index, frame, lengthBytes));
        continue;
      }
      const group = byKey.get(record.key);
      if (group) group.push({ index, record, lengthBytes });
      else byKey.set(record.key, [{ index, record, lengthBytes }]);
    }
    // One key, and so one partition, at a time: only then can a failed send be repeated unchanged.
    for (const group of byKey.values()) {
      for (const batch of this.#batches(group)) refused.push(...(await this.#deliver(batch, frames)));
    }
    return refused.length > 0 ? { refused } : undefined;
  }

  async close(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    await producer?.close();
  }

  /** A batch is one message to the broker, so the limit applies to the whole batch. */
  *#batches(group: readonly Outgoing[]): Generator<readonly Outgoing[]> {
    let from = 0;
    let lengthBytes = BATCH_OVERHEAD_BYTES;
    for (const [at, outgoing] of group.entries()) {
      if (at > from && lengthBytes + outgoing.lengthBytes > this.#maxMessageBytes) {
        yield group.slice(from, at);
        from = at;
        lengthBytes = BATCH_OVERHEAD_BYTES;
      }
      lengthBytes += outgoing.lengthBytes;
    }
    yield group.slice(from);
  }

  /** Retries until the broker has the batch or has permanently rejected records of it. */
  async #deliver(batch: readonly Outgoing[], frames: readonly Frame[]): Promise<RefusedFrame[]> {
    for (;;) {
      const attemptAt = performance.now();
      try {
        const producer = await this.#connected();
        await producer.send(batch.map(({ record }) => record));
        this.#outage.over();
        return [];
      } catch (thrown) {
        const failure = thrown instanceof KafkaSendError ? thrown.failure : 'lasting';
        if (failure === 'lasting') throw this.#failure(thrown);
        if (failure === 'too-large') {
          if (batch.length > 1) return await this.#oneByOne(batch, frames);
          const { index, lengthBytes } = batch[0]!;
          return [this.#tooLarge(index, frames[index]!, lengthBytes, (thrown as Error).message)];
        }
        if (failure === 'sequence') {
          const { topic } = this.#options;
          this.#context.log.warn(
            { sink: this.#context.name, topic },
            `topic ${topic}: the broker has forgotten the producer; some records may be duplicated`,
          );
          await this.#renewed();
        }
        await this.#outage.failed(attemptAt, thrown);
      }
    }
  }

  /** The topic's own limit is lower than ours, and only the broker knows it. */
  async #oneByOne(batch: readonly Outgoing[], frames: readonly Frame[]): Promise<RefusedFrame[]> {
    const refused: RefusedFrame[] = [];
    for (const outgoing of batch) refused.push(...(await this.#deliver([outgoing], frames)));
    return refused;
  }

  async #connected(): Promise<KafkaProducer> {
    if (this.#producer) return this.#producer;
    const { brokers, topic, compression = 'none', clientId = `millrace-${this.#context.name}`, tls = false, sasl } = this.#options;
    const { log, signal, baseDir } = this.#context;
    const ssl = tls === false ? false : readTls(tls === true ? undefined : tls, baseDir);
    const producer = await openKafkaProducer({ brokers: brokerList(brokers), topic, compression, clientId, tls: ssl, sasl, log, signal });
    this.#producer = producer;
    return producer;
  }

  async #renewed(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    await producer?.close();
  }

  #record(parts: readonly Uint8Array[], frame: Frame): KafkaRecord {
    const { key = '{source}', headers = {} } = this.#options;
    const [first, second] = parts as [Uint8Array, Uint8Array | undefined];
    return {
      key: key.replaceAll(/\{(source|sequence|ordinal)\}/g, (_, name: 'source' | 'sequence' | 'ordinal') => String(frame[name])),
      value: second ?? first,
      headers: second ? { ...headers, millrace: first } : headers,
    };
  }

  #tooLarge(index: number, frame: Frame, lengthBytes: number, answer?: string): RefusedFrame {
    const limit =
      answer === undefined
        ? `over the limit of ${this.#maxMessageBytes} (maxMessageBytes of this sink)`
        : `rejected by the broker (${answer})`;
    const settings =
      'message.max.bytes of the broker or max.message.bytes of the topic, maxMessageBytes here, and max.request.size of clients';
    return { index, reason: 'sink-too-large', detail: `${which(frame)}: ${lengthBytes} bytes are ${limit}; raise ${settings}` };
  }

  #failure(thrown: unknown): MillraceError {
    if (thrown instanceof MillraceError) return thrown;
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    return new MillraceError('ERR_SINK', `sink ${this.#context.name}: ${text}`, { cause: thrown });
  }
}

const which = (frame: Frame): string => `frame ${frame.ordinal} of ${frame.source}`;

const isLasting = (thrown: unknown): boolean => !(thrown instanceof KafkaSendError) || thrown.failure === 'lasting';

const brokerList = (brokers: KafkaEgressOptions['brokers'] = '127.0.0.1:9092'): readonly string[] =>
  (typeof brokers === 'string' ? brokers.split(',') : brokers).map((broker) => broker.trim());

/** Upper bound of the size of a record in a batch, before compression (clients apply the same limit). */
function recordBytes({ key, value, headers }: KafkaRecord): number {
  let lengthBytes = RECORD_OVERHEAD_BYTES + Buffer.byteLength(key) + value.byteLength;
  for (const [name, text] of Object.entries(headers))
    lengthBytes += HEADER_OVERHEAD_BYTES + Buffer.byteLength(name) + Buffer.byteLength(text);
  return lengthBytes;
}

export const kafkaEgress: EgressDefinition<KafkaEgressOptions> = {
  type: 'kafka',
  address: KAFKA_ADDRESS,
  clients: ['kafkajs'],
  description: 'Writes frames to a Kafka topic, with an idempotent producer and acknowledgements of all in-sync replicas.',
  docs: {
    text: '[Login, TLS and outages](../pipeline.md#kafka-and-redis-login-tls-and-outages) describes what happens when the brokers are lost.',
    example: `version: 1
sources:
  detector: { type: sim, pattern: spots, shape: [64, 64], frames: 4 }
sinks:
  topic: { type: kafka, from: detector, brokers: "127.0.0.1:9092", topic: frames }`,
    run: 'The example needs a Kafka broker',
    errors: {
      ERR_CONFIG_INVALID: 'a broker is not HOST:PORT',
      ERR_CONFIG_FILE: 'the file of `tls.ca` is missing or has no certificate',
      ERR_SINK: 'no broker is reachable within `openTimeoutMs`, or a broker refuses a record',
    },
  },
  usesCodec: true,
  restarts: true,
  batch: 64,
  options: {
    type: 'object',
    additionalProperties: false,
    required: ['topic'],
    properties: {
      brokers: {
        oneOf: [
          { type: 'string', minLength: 1 },
          { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 },
        ],
        default: '127.0.0.1:9092',
        description: 'HOST:PORT; several as a list or separated by commas',
      },
      topic: { type: 'string', minLength: 1, maxLength: 249, pattern: '^[A-Za-z0-9._-]+$', description: 'name of the topic' },
      key: {
        type: 'string',
        default: '{source}',
        description: 'key of the records; may contain `{source}`, `{sequence}`, `{ordinal}`; order is kept within a key',
      },
      headers: { type: 'object', additionalProperties: { type: 'string' }, description: 'headers to add to each record' },
      compression: { enum: ['none', 'gzip'], default: 'none', description: 'compression of the batches' },
      maxMessageBytes: {
        type: 'integer',
        minimum: 1024,
        maximum: 2 ** 31 - 1,
        default: DEFAULT_MAX_MESSAGE_BYTES,
        description: 'largest batch and record before compression; at most `message.max.bytes` of the broker',
      },
      clientId: { type: 'string', minLength: 1, description: 'client id; default: `millrace-` and the name of the sink' },
      tls: {
        oneOf: [{ type: 'boolean' }, TLS_SCHEMA],
        default: false,
        description: 'use TLS; without `ca`, Node trusts its own authorities',
      },
      sasl: {
        type: 'object',
        additionalProperties: false,
        required: ['mechanism', 'username', 'password'],
        properties: {
          mechanism: { enum: ['plain', 'scram-sha-256', 'scram-sha-512'], description: 'SASL mechanism' },
          username: { type: 'string', minLength: 1, description: 'user name' },
          password: { type: 'string', minLength: 1, description: 'password; take it from the environment with ${NAME}' },
        },
        description: 'login at the broker; `plain` sends the password without encryption, so use it with `tls`',
      },
      openTimeoutMs: { type: 'integer', minimum: 0, default: 30_000, description: 'longest time to reach a broker at the start' },
    },
  },
  check: (options, { baseDir }) => {
    if (typeof options.tls === 'object') checkTls('kafka', options.tls, baseDir);
    for (const broker of brokerList(options.brokers)) {
      if (/^[^\s:/]+:\d{1,5}$/.test(broker) || /^\[[0-9a-fA-F:]+\]:\d{1,5}$/.test(broker)) continue;
      throw new MillraceError('ERR_CONFIG_INVALID', `kafka: ${broker} is not host:port`, { place: { path: 'brokers' } });
    }
  },
  create: (options, context) => new KafkaEgress(options, context),
};
