import { asMillraceError, MillraceError } from '../errors/errors.js';
import type { Frame } from '../frame/frame.js';
import type { Series, SeriesMessage } from '../frame/series.js';
import { openZmqWriter, type ZmqWriter } from '../transports/zmq.js';
import type { Delivery, Egress, EgressContext, EgressDefinition } from './egress.js';
import { encodeFrames } from './encode-frames.js';

export interface ZmqEgressOptions {
  readonly socket?: 'push' | 'pub';
  readonly connect?: string | readonly string[];
  readonly bind?: string | readonly string[];
  readonly highWaterMark?: number;
  readonly lingerMs?: number;
  readonly immediate?: boolean;
  readonly topic?: string;
}

/**
 * Frames to a PUSH or PUB socket, one multipart message each.
 *
 * Delivered means: accepted by the socket, which holds up to `highWaterMark` messages for each peer and goes on sending
 * for `lingerMs` after the close. A full PUSH blocks; a full PUB drops without a word. A repeat cannot be seen.
 */
/** What was accepted before an abort is still sent for so long. */
const ABORT_LINGER_MS = 1000;

class ZmqEgress implements Egress {
  readonly #options: ZmqEgressOptions;
  readonly #context: EgressContext;
  #writer: ZmqWriter | undefined;
  // Closing is what ends a send that waits for room; what was accepted before still lingers.
  readonly #abort = (): void => this.#writer?.close(ABORT_LINGER_MS);

  constructor(options: ZmqEgressOptions, context: EgressContext) {
    this.#options = options;
    this.#context = context;
  }

  async open(): Promise<void> {
    const { socket = 'push', connect, bind, highWaterMark, lingerMs = 10_000, immediate = false } = this.#options;
    this.#writer = await openZmqWriter({
      socket,
      // A PUB that is full drops, a PUSH only waits: the one needs room, the other should not hoard frames.
      highWaterMark: highWaterMark ?? (socket === 'pub' ? 1000 : 100),
      lingerMs,
      immediate,
      ...(connect !== undefined && { connect }),
      ...(bind !== undefined && { bind }),
    });
    this.#context.signal.addEventListener('abort', this.#abort, { once: true });
    if (this.#context.signal.aborted) this.#abort();
  }

  async write(frames: readonly Frame[]): Promise<Delivery | undefined> {
    const { encoded, refused } = encodeFrames(this.#context.codec, frames);
    for (const { parts } of encoded) await this.#send(parts);
    return refused.length > 0 ? { refused } : undefined;
  }

  startSeries({ id, expected, first, meta }: Series): Promise<void> | void {
    const counts = { ...(expected === undefined ? {} : { expected }), ...(first === undefined ? {} : { first }) };
    return this.#sendSeries({ kind: 'series-start', series: id, meta, ...counts });
  }

  endSeries({ id }: Series): Promise<void> | void {
    return this.#sendSeries({ kind: 'series-end', series: id });
  }

  /** Formats without such messages say nothing. */
  #sendSeries(message: SeriesMessage): Promise<void> | void {
    const parts = this.#context.codec.encodeSeries?.(message);
    return parts && this.#send(parts);
  }

  async #send(parts: readonly Uint8Array[]): Promise<void> {
    const writer = this.#writer;
    if (!writer) throw new MillraceError('ERR_STATE', `the sink ${this.#context.name} is not open`);
    const { topic } = this.#options;
    let accepted: boolean;
    try {
      accepted = await writer.send(topic === undefined ? parts : [topic, ...parts]);
    } catch (thrown) {
      throw asMillraceError(thrown, 'ERR_SINK', `sink ${this.#context.name}`);
    }
    if (!accepted) throw new MillraceError('ERR_SINK', `sink ${this.#context.name}: closed while no peer took the frame`);
  }

  async close(): Promise<void> {
    this.#context.signal.removeEventListener('abort', this.#abort);
    const writer = this.#writer;
    this.#writer = undefined;
    writer?.close();
    await writer?.released();
  }
}

const ENDPOINTS = {
  oneOf: [
    { type: 'string', minLength: 1 },
    { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 },
  ],
} as const;

export const zmqEgress: EgressDefinition<ZmqEgressOptions> = {
  type: 'zmq',
  description: 'Multipart messages to a ZeroMQ PUSH or PUB socket',
  usesCodec: true,
  batch: 16,
  options: {
    type: 'object',
    additionalProperties: false,
    anyOf: [{ required: ['connect'] }, { required: ['bind'] }],
    properties: {
      socket: { enum: ['push', 'pub'], default: 'push' },
      connect: { ...ENDPOINTS, description: 'endpoint or endpoints to connect to' },
      bind: { ...ENDPOINTS, description: 'endpoint or endpoints to bind' },
      highWaterMark: {
        type: 'integer',
        minimum: 1,
        maximum: 1_000_000,
        description: 'messages that the socket holds for each peer; default 100, for pub 1000 (it drops what exceeds this)',
      },
      lingerMs: {
        type: 'integer',
        minimum: -1,
        maximum: 2 ** 31 - 1,
        default: 10_000,
        description: 'how long the socket goes on sending after the close; -1 for ever',
      },
      immediate: {
        type: 'boolean',
        default: false,
        description: 'queue for completed connections only: nothing waits for an absent peer, but what is queued dies with a connection',
      },
      topic: { type: 'string', description: 'pub: a first part before those of the codec' },
    },
  },
  check: (options) => {
    if (options.topic !== undefined && options.socket !== 'pub') {
      throw new MillraceError('ERR_CONFIG_INVALID', 'zmq: topic needs socket: pub', { place: { path: 'topic' } });
    }
  },
  create: (options, context) => new ZmqEgress(options, context),
};
