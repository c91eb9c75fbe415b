import { setTimeout as sleep } from 'node:timers/promises';
import { asMillraceError, MillraceError, namedError } from '../errors/errors.js';
import type { Frame } from '../frame/frame.js';
import type { Series, SeriesMessage } from '../frame/series.js';
import type { PeerReport } from '../observe/report.js';
import { PeerWatch } from '../transports/peer-watch.js';
import { zmqAddress } from '../transports/relay-address.js';
import { openZmqWriter } from '../transports/zmq.js';
import { LONGEST_LINGER_MS, type ZmqWriter } from '../transports/zmq-driver.js';
import { ZMQ_PROPERTIES, type ZmqOptions, zmqOptionIssues } from '../transports/zmq-options.js';
import type { Delivery, Egress, EgressContext, EgressDefinition, HoldFrame, LateFrames } from './egress.js';
import { type EncodedFrame, encodeFrames } from './encode-frames.js';
import { HoldOrCopy } from './hold-or-copy.js';

export interface ZmqEgressOptions extends ZmqOptions {
  readonly socket?: 'push' | 'pub';
  readonly highWaterMark?: number;
  readonly lingerMs?: number;
  readonly immediate?: boolean;
  readonly topic?: string;
}

const DEFAULT_LINGER_MS = 10_000;
/** The tag of starts and ends of series, which are not frames. */
const NO_FRAME = -1;
/** How often a drain checks whether everything was written. */
const DRAIN_LOOK_MS = 5;
/** Messages accepted before an abort may still be sent for this long. */
const ABORT_LINGER_MS = 1000;
/** Large frames that the socket reads in place: enough that a stream never waits for the next. */
const HOLDS = 8;

/**
 * Sends frames to a PUSH or PUB socket, one multipart message each.
 *
 * The socket holds up to `highWaterMark` messages for each peer. A PUSH with driver zmtp has delivered a frame when the
 * stream of a peer has taken its last byte; a PUB, and libzmq, when the socket has accepted it. The drain continues to
 * send for `lingerMs`; what is still queued then was not delivered. With driver zmtp, large frames are written in place
 * as long as few enough are pending; the others are copied. A full PUSH blocks; a full PUB drops. A repeat cannot be
 * detected.
 */
class ZmqEgress implements Egress {
  readonly #options: ZmqEgressOptions;
  readonly #context: EgressContext;
  readonly #places: HoldOrCopy;
  #writer: ZmqWriter | undefined;
  #watch: PeerWatch | undefined;
  #peers: readonly PeerReport[] = [];
  // Only closing ends a send that waits for room; messages accepted before still linger.
  readonly #abort = (): void => this.#writer?.close(ABORT_LINGER_MS);

  constructor(options: ZmqEgressOptions, context: EgressContext) {
    this.#options = options;
    this.#context = context;
    this.#places = new HoldOrCopy(options.socket !== 'pub');
  }

  async open(): Promise<void> {
    const { socket = 'push', highWaterMark, lingerMs = DEFAULT_LINGER_MS, immediate = false } = this.#options;
    const { late } = this.#context;
    const writer = openZmqWriter({
      ...this.#options,
      socket,
      // A full PUB drops, so it needs room; a full PUSH only waits, so it should not hoard frames.
      highWaterMark: highWaterMark ?? (socket === 'pub' ? 1000 : 100),
      lingerMs,
      immediate,
      log: this.#context.log,
      ...(late ? { onFate: (tag, fate) => tag !== NO_FRAME && late.settle(tag, fate === 'written' ? 'delivered' : fate) } : {}),
    });
    this.#writer = await writer.catch((thrown: unknown) => {
      throw namedError(thrown, 'ERR_SINK', `sink '${this.#context.name}'`);
    });
    const { name, log, outage, waiting } = this.#context;
    this.#watch = new PeerWatch({ node: `sink '${name}'`, log, waitsFor: () => this.#writer?.waitsFor(), outage, waiting });
    this.#context.signal.addEventListener('abort', this.#abort, { once: true });
    if (this.#context.signal.aborted) this.#abort();
  }

  write(frames: readonly Frame[], hold: HoldFrame = () => undefined): Promise<Delivery | undefined> | Delivery | undefined {
    const { encoded, refused } = encodeFrames(this.#context.codec, frames);
    const late = this.#late !== undefined;
    const delivery = late || refused.length > 0 ? { refused, late } : undefined;
    for (let at = 0; at < encoded.length; at++) {
      const { index, parts } = encoded[at]!;
      const accepted = this.#sendFrame(index, parts, hold);
      if (accepted !== true) return this.#writeLater(accepted, encoded.slice(at + 1), hold, delivery);
    }
    return delivery;
  }

  async #writeLater(
    accepted: Promise<void>,
    rest: readonly EncodedFrame[],
    hold: HoldFrame,
    delivery: Delivery | undefined,
  ): Promise<Delivery | undefined> {
    await accepted;
    for (const { index, parts } of rest) {
      const next = this.#sendFrame(index, parts, hold);
      if (next !== true) await next;
    }
    return delivery;
  }

  /** Reads a large frame in place, as long as it can be held until the socket has finished with it. */
  #sendFrame(index: number, parts: readonly Uint8Array[], hold: HoldFrame): true | Promise<void> {
    const fromBytes = this.#writer?.inPlaceFromBytes ?? 0;
    const tag = this.#late?.accept(index);
    if (!parts.some((part) => part.length >= fromBytes)) return this.#send(parts, undefined, tag);
    const held = this.#places.hold(index, hold);
    return held instanceof Promise ? this.#sendWhenHeld(held, parts, tag) : this.#send(parts, held, tag);
  }

  async #sendWhenHeld(held: Promise<(() => void) | undefined>, parts: readonly Uint8Array[], tag: number | undefined): Promise<void> {
    const accepted = this.#send(parts, await held, tag);
    if (accepted !== true) await accepted;
  }

  /** For drivers that report the outcome of messages. */
  get #late(): LateFrames | undefined {
    return this.#writer?.knowsFates ? this.#context.late : undefined;
  }

  startSeries({ id, expected, first, meta }: Series): Promise<void> | void {
    const counts = { ...(expected === undefined ? {} : { expected }), ...(first === undefined ? {} : { first }) };
    return this.#sendSeries({ kind: 'series-start', series: id, meta, ...counts });
  }

  /** The outcome of its frames is known when its ledger closes. */
  async endSeries({ id }: Series): Promise<void> {
    await this.#sendSeries({ kind: 'series-end', series: id });
    if (this.#late) await this.#written();
  }

  /** Waits until everything is written, and gives up the rest after the linger. */
  async flush(): Promise<void> {
    if (!(await this.#written())) this.#writer?.close(0);
  }

  /** Resolves true when the streams have taken everything, false after the linger. */
  async #written(): Promise<boolean> {
    const { lingerMs = DEFAULT_LINGER_MS } = this.#options;
    const { signal } = this.#context;
    const until = performance.now() + (lingerMs < 0 ? LONGEST_LINGER_MS : lingerMs);
    let abortedAt = 0;
    for (;;) {
      if (!this.#writer || this.#writer.idle) return true;
      const now = performance.now();
      if (signal.aborted && abortedAt === 0) abortedAt = now;
      if (now >= until || (abortedAt > 0 && now >= abortedAt + ABORT_LINGER_MS)) return false;
      await sleep(DRAIN_LOOK_MS);
    }
  }

  peers(): readonly PeerReport[] {
    return this.#options.socket === 'pub' ? (this.#writer?.peerCounts() ?? this.#peers) : [];
  }

  /** Formats without such messages send nothing. */
  #sendSeries(message: SeriesMessage): Promise<void> | void {
    const parts = this.#context.codec.encodeSeries?.(message);
    const accepted = parts && this.#send(parts);
    if (accepted !== true) return accepted;
  }

  #send(parts: readonly Uint8Array[], released?: () => void, tag?: number): true | Promise<void> {
    const writer = this.#writer;
    if (!writer) throw new MillraceError('ERR_STATE', `the sink ${this.#context.name} is not open`);
    const { topic } = this.#options;
    const accepted = writer.send(topic === undefined ? parts : [topic, ...parts], released, tag ?? NO_FRAME);
    return accepted === true || this.#accept(accepted);
  }

  async #accept(accepted: boolean | Promise<boolean>): Promise<void> {
    let isAccepted: boolean;
    try {
      isAccepted = await accepted;
    } catch (thrown) {
      throw asMillraceError(thrown, 'ERR_SINK', `sink ${this.#context.name}`);
    }
    if (!isAccepted) throw this.#closedEarly();
  }

  #closedEarly(): MillraceError {
    return new MillraceError('ERR_SINK', `sink ${this.#context.name}: closed before a peer took the frame`);
  }

  async close(): Promise<void> {
    this.#context.signal.removeEventListener('abort', this.#abort);
    this.#watch?.stop();
    const writer = this.#writer;
    this.#writer = undefined;
    writer?.close();
    await writer?.released();
    this.#peers = writer?.peerCounts() ?? [];
  }
}

export const zmqEgress: EgressDefinition<ZmqEgressOptions> = {
  type: 'zmq',
  address: zmqAddress(['push', 'pub']),
  clients: ['zeromq'],
  description:
    'Sends multipart messages to a ZeroMQ PUSH or PUB socket. Delivered means: written to the connection of a peer (push with zmtp), or accepted by the socket (pub, and libzmq).',
  docs: {
    text: '[ZeroMQ](../pipeline.md#zeromq) has the details.',
    example: `version: 1
sources:
  detector: { type: sim, pattern: spots, shape: [64, 64], frames: 100 }
sinks:
  live: { type: zmq, from: detector, bind: "tcp://127.0.0.1:9998" }`,
    run: 'In another terminal, `millrace relay zmq+pull://127.0.0.1:9998 print:` receives the frames',
    errors: {
      ERR_CONFIG_INVALID: 'the driver does not support an endpoint or a security mechanism',
      ERR_SINK: 'the address cannot be bound, or no peer takes the last frames within `lingerMs`',
      ERR_OPTIONAL_MISSING: '`driver: libzmq` is set and the package `zeromq` is not installed',
    },
  },
  usesCodec: true,
  batch: 16,
  options: {
    type: 'object',
    additionalProperties: false,
    anyOf: [{ required: ['connect'] }, { required: ['bind'] }],
    properties: {
      socket: {
        enum: ['push', 'pub'],
        default: 'push',
        description: 'type of the socket; `pub` drops messages for a slow or absent subscriber',
      },
      ...ZMQ_PROPERTIES,
      highWaterMark: {
        type: 'integer',
        minimum: 1,
        maximum: 1_000_000,
        description: 'messages that the socket queues for each peer; default: 100, and 1000 for `pub`, which drops messages above it',
      },
      lingerMs: {
        type: 'integer',
        minimum: -1,
        maximum: 2 ** 31 - 1,
        default: DEFAULT_LINGER_MS,
        description: 'longest time to go on sending at the end of a run or series; -1 means 30 s',
      },
      immediate: {
        type: 'boolean',
        default: false,
        description: 'queue messages for completed connections only; queued messages are lost with their connection',
      },
      topic: { type: 'string', description: 'for `pub`: a first part before the parts of the codec' },
    },
  },
  holds: ({ driver }) => (driver === 'libzmq' ? 0 : HOLDS),
  promise: ({ driver, socket }) => (driver === 'libzmq' || socket === 'pub' ? 'accepted' : 'written'),
  restarts: ({ driver }) => driver !== 'libzmq',
  checkOptions: (options) => {
    const issues = zmqOptionIssues(options);
    if (options.topic !== undefined && options.socket !== 'pub') issues.push({ message: 'zmq: topic needs socket: pub', path: ['topic'] });
    return issues;
  },
  create: (options, context) => new ZmqEgress(options, context),
};
