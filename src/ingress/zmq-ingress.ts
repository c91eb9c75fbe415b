import type { DecodedFrame, SeriesMessage } from '../codecs/codec.js';
import { asMillraceError, MillraceError, namedError } from '../errors/errors.js';
import { sizeFor } from '../memory/size-text.js';
import { PeerWatch } from '../transports/peer-watch.js';
import { zmqAddress } from '../transports/relay-address.js';
import { openZmqReader } from '../transports/zmq.js';
import type { ZmqReader } from '../transports/zmq-driver.js';
import { endpointList, ZMQ_PROPERTIES, type ZmqOptions, zmqOptionIssues } from '../transports/zmq-options.js';
import type { FrameWriter, Ingress, IngressContext, IngressDefinition, RefuseReason } from './ingress.js';
import { SlotMemory } from './slot-memory.js';

export interface ZmqIngressOptions extends ZmqOptions {
  readonly socket?: 'pull' | 'sub';
  readonly subscribe?: string | readonly string[];
  readonly topicPart?: boolean;
  readonly highWaterMark?: number;
  readonly frames?: number;
  readonly idleMs?: number;
}

/** Maximum time for reading out a socket after the signal. */
const READ_OUT_MS = 200;
/** Maximum bodies that are read into their slots at a time; those of further senders are copied. */
const LENDS = 4;
/** Maximum bytes of a message in addition to the data of its frame: header, topic, framing of a codec. */
const BESIDE_DATA_BYTES = 2 ** 20;
/**
 * Numbers in the codec json are text, so its messages are larger than their frames; it rejects messages over this limit
 * itself.
 */
const TEXT_BYTES = 16 * 2 ** 20;

/**
 * Frames from a PULL or SUB socket, one multipart message each.
 *
 * Guarantee: a message that was read and that the writer took is a frame, in the order of each peer. After the signal,
 * messages that the socket has already received are read for up to 200 ms while the writer still takes them; the rest
 * is lost with the socket, as with every PULL, and a SUB loses what its publisher drops. If its thread dies, messages
 * that its socket had received and not yet passed on are lost; they never counted as received.
 */
class ZmqIngress implements Ingress {
  readonly #options: ZmqIngressOptions;
  readonly #context: IngressContext;
  /** Where to read large bodies: only a codec with separate data parts supports it. */
  readonly #memory: SlotMemory | undefined;
  #reader: ZmqReader | undefined;
  #watch: PeerWatch | undefined;
  #out: FrameWriter | undefined;
  /** Messages over the limit, which the transport skipped. */
  #oversized = 0;
  #received = 0;
  /** Lengths of those that arrived after the socket was opened and before the source ran. */
  readonly #oversizedBefore: number[] = [];
  /** Nothing remains to be read: only closing the socket ends the wait. */
  #isWaiting = false;

  constructor(options: ZmqIngressOptions, context: IngressContext) {
    this.#options = options;
    this.#context = context;
    const { bodyPart } = context.codec;
    this.#memory = bodyPart === undefined ? undefined : new SlotMemory(options.topicPart ? bodyPart + 1 : bodyPart);
  }

  async open(): Promise<void> {
    const { socket = 'pull', subscribe, highWaterMark = 100 } = this.#options;
    const { log } = this.#context;
    const subscribed = endpointList(subscribe);
    const onFrame = this.#memory && { onFrame: this.#memory };
    const { maxFrameBytes, codec } = this.#context;
    const maxMessageBytes = BESIDE_DATA_BYTES + (codec.bodyPart === undefined ? Math.max(TEXT_BYTES, maxFrameBytes) : maxFrameBytes);
    const reader = openZmqReader({
      ...this.#options,
      socket,
      highWaterMark,
      subscribe: subscribed,
      log,
      maxMessageBytes,
      onOversized: (lengthBytes) => this.#refuseOversized(lengthBytes),
      ...onFrame,
    });
    this.#reader = await reader.catch((thrown: unknown) => {
      throw namedError(thrown, 'ERR_SOURCE', `source '${this.#context.name}'`);
    });
    const { name, waiting } = this.#context;
    this.#watch = new PeerWatch({ node: `source '${name}'`, log, waitsFor: () => this.#reader?.waitsFor(), waiting });
  }

  async run(out: FrameWriter, signal: AbortSignal): Promise<void> {
    const reader = this.#reader;
    if (!reader) throw new MillraceError('ERR_STATE', `the source ${this.#context.name} is not open`);
    const { idleMs } = this.#options;
    this.#out = out;
    reader.waitAtMost(idleMs ?? -1);
    this.#memory?.begin(out, () => reader.resumeFrames());
    this.#oversized -= this.#oversizedBefore.length;
    for (const lengthBytes of this.#oversizedBefore.splice(0)) this.#refuseOversized(lengthBytes);

    // A pending receive means that nothing is left to read, and only closing ends it.
    const stop = (): void => {
      if (this.#isWaiting) void reader.close();
    };
    signal.addEventListener('abort', stop, { once: true });
    let readOutUntil = 0;
    try {
      for (this.#received = this.#context.resumeAt ?? 0; !this.#hasAll; this.#received++) {
        if (signal.aborted && readOutUntil === 0) {
          readOutUntil = performance.now() + READ_OUT_MS;
          reader.waitAtMost(0);
        }
        if (readOutUntil !== 0 && performance.now() >= readOutUntil) return;
        let parts = reader.take();
        if (!parts) {
          this.#isWaiting = true;
          parts = await reader.receive();
          this.#isWaiting = false;
        }
        if (!parts) return;
        const taken = this.#take(parts, out);
        if (!(taken === true || (await taken))) return;
      }
    } catch (thrown) {
      throw asMillraceError(thrown, 'ERR_SOURCE', `source ${this.#context.name}`);
    } finally {
      signal.removeEventListener('abort', stop);
      this.#watch?.stop();
      // The thread may end before close() is called.
      await reader.close();
    }
  }

  /** The message was never in memory: only its length is known. */
  #refuseOversized(lengthBytes: number): void {
    this.#oversized++;
    if (!this.#out) {
      this.#oversizedBefore.push(lengthBytes);
      return;
    }
    const { maxFrameBytes } = this.#context;
    const remedy = `set maxFrame: ${sizeFor(lengthBytes)} at the source`;
    this.#out.refuse('too-large', `a message of at least ${lengthBytes} bytes exceeds maxFrame (${maxFrameBytes} bytes); ${remedy}`);
    if (this.#isWaiting && this.#hasAll) void this.#reader?.close();
  }

  /** The number of messages of the option `frames` has arrived. */
  get #hasAll(): boolean {
    return this.#received + this.#oversized >= (this.#options.frames ?? Number.POSITIVE_INFINITY);
  }

  /** False when the writer takes no more. */
  #take(parts: readonly Uint8Array[], out: FrameWriter): Promise<boolean> | boolean {
    const { codec } = this.#context;
    const coded = this.#options.topicPart ? parts.slice(1) : parts;
    const refuse = (thrown: unknown): true => {
      this.#memory?.drop(parts);
      out.refuse(refuseReason(thrown), thrown instanceof Error ? thrown.message : String(thrown));
      return true;
    };
    let series: SeriesMessage | undefined;
    let frame: DecodedFrame | undefined;
    try {
      series = codec.decodeSeries?.(coded);
      frame = series ? undefined : codec.decode(coded);
    } catch (thrown) {
      return refuse(thrown);
    }
    if (frame) return this.#memory ? this.#memory.write(frame, parts, out) : out.write(frame, frame.data);
    this.#memory?.drop(parts);
    return (series!.kind === 'series-start' ? out.startSeries(series!) : out.endSeries(series!)).catch(refuse);
  }

  async close(): Promise<void> {
    this.#watch?.stop();
    const reader = this.#reader;
    this.#reader = undefined;
    await reader?.close();
  }
}

function refuseReason(thrown: unknown): RefuseReason {
  if (!(thrown instanceof MillraceError)) return 'malformed';
  if (thrown.code === 'ERR_MESSAGE_PARTS') return 'wrong-parts';
  return thrown.code === 'ERR_MESSAGE_TOO_LARGE' ? 'too-large' : 'malformed';
}

export const zmqIngress: IngressDefinition<ZmqIngressOptions> = {
  type: 'zmq',
  address: zmqAddress(['pull', 'sub']),
  clients: ['zeromq'],
  description: 'Receives multipart messages from a ZeroMQ PULL or SUB socket.',
  docs: {
    text: '[ZeroMQ](../pipeline.md#zeromq) describes drivers, security and what happens when a peer is lost.',
    example: `version: 1
sources:
  detector: { type: zmq, connect: "tcp://127.0.0.1:9999", frames: 10 }
sinks:
  result: { type: print, from: detector }`,
    run: 'In another terminal, `millrace sim --bind tcp://127.0.0.1:9999 --shape 64x64` sends frames',
    errors: {
      ERR_CONFIG_INVALID:
        'the driver does not support an endpoint or a security mechanism, or `subscribe` or `topicPart` is set for `socket: pull`',
      ERR_SOURCE: 'the address cannot be bound, or the socket fails',
      ERR_OPTIONAL_MISSING: '`driver: libzmq` is set and the package `zeromq` is not installed',
      ERR_MESSAGE_MALFORMED: 'a message does not follow the codec; it is refused and counted, and the run goes on',
      ERR_MESSAGE_PARTS: 'a message has the wrong number of parts; it is refused and counted',
      ERR_MESSAGE_TOO_LARGE: 'a frame is larger than `maxFrame`; it is refused and counted',
    },
  },
  usesCodec: true,
  options: {
    type: 'object',
    additionalProperties: false,
    anyOf: [{ required: ['connect'] }, { required: ['bind'] }],
    properties: {
      socket: { enum: ['pull', 'sub'], default: 'pull', description: 'type of the socket' },
      ...ZMQ_PROPERTIES,
      subscribe: {
        oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }],
        description: 'for `sub`: prefixes of the first part; default: all messages',
      },
      topicPart: {
        type: 'boolean',
        default: false,
        description: 'for `sub`: the first part is a topic and not a part of the frame; sink `zmq` with `topic` sends one',
      },
      highWaterMark: {
        type: 'integer',
        minimum: 1,
        maximum: 1_000_000,
        default: 100,
        description: 'messages that the socket queues for each peer',
      },
      frames: { type: 'integer', minimum: 1, description: 'end after this number of messages; default: no end' },
      idleMs: {
        type: 'integer',
        minimum: 1,
        maximum: 2 ** 31 - 1,
        description: 'end when no message arrives for this time; default: no end',
      },
    },
  },
  lends: ({ driver }) => (driver === 'libzmq' ? 0 : LENDS),
  restarts: ({ driver }) => driver !== 'libzmq',
  checkOptions: (options) => {
    const issues = zmqOptionIssues(options);
    if (options.subscribe !== undefined && options.socket !== 'sub')
      issues.push({ message: 'zmq: subscribe needs socket: sub', path: ['subscribe'] });
    if (options.topicPart && options.socket !== 'sub') issues.push({ message: 'zmq: topicPart needs socket: sub', path: ['topicPart'] });
    return issues;
  },
  create: (options, context) => new ZmqIngress(options, context),
};
