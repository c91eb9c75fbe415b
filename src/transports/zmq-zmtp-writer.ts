/** The writing end of driver `zmtp`: safe in a thread that may be ended at any time. */
import { asMillraceError, MillraceError } from '../errors/errors.js';
import { type Logger, SILENT } from '../errors/logger.js';
import { LONGEST_LINGER_MS, type ZmqWriter, type ZmqWriterOptions } from './zmq-driver.js';
import { endpointList } from './zmq-options.js';
import { tellOfPeers, waitingFor } from './zmq-zmtp-log.js';
import type { PeerCounts } from './zmtp/message-fates.js';
import { REFERENCE_BYTES } from './zmtp/send-queue.js';
import { Pub } from './zmtp/sockets/pub.js';
import { Push } from './zmtp/sockets/push.js';

/** Copies that are kept for the next messages. */
const KEPT_COPIES = 4;

/** @throws ERR_SINK when an endpoint is not to be had. */
export async function openZmtpWriter(options: ZmqWriterOptions): Promise<ZmqWriter> {
  const settings = {
    sendHighWaterMark: options.highWaterMark,
    // The mark counts messages, as that of libzmq does.
    sendHighWaterBytes: Number.POSITIVE_INFINITY,
    lingerMs: options.lingerMs < 0 ? LONGEST_LINGER_MS : options.lingerMs,
    immediate: options.immediate,
    ...(options.plain && { plain: options.plain }),
  };
  const socket = options.socket === 'pub' ? new Pub(settings) : new Push(settings);
  if (options.onFate) socket.onFate = options.onFate;
  tellOfPeers(socket.events, options.log);
  try {
    for (const endpoint of endpointList(options.bind)) await socket.bind(endpoint);
    for (const endpoint of endpointList(options.connect)) socket.connect(endpoint);
  } catch (thrown) {
    await socket.close(0);
    throw new MillraceError('ERR_SINK', asMillraceError(thrown, 'ERR_ADDRESS').message, { cause: thrown });
  }
  return socket instanceof Pub ? new PubWriter(socket, options.log) : new PushWriter(socket, options.log);
}

type Parts = readonly (Uint8Array | string)[];
type Release = () => void;

abstract class ZmtpWriter implements ZmqWriter {
  readonly inPlaceFromBytes = REFERENCE_BYTES;
  protected abstract readonly socket: Push | Pub;
  readonly #copies = new PartCopies();
  readonly #log: Logger;

  constructor(log: Logger = SILENT) {
    this.#log = log;
  }

  abstract readonly knowsFates: boolean;

  get idle(): boolean {
    return this.socket.idle;
  }

  peerCounts(): readonly PeerCounts[] {
    return this.socket.peerCounts();
  }

  waitsFor(): readonly string[] {
    return waitingFor(this.socket);
  }

  send(parts: Parts, released?: Release, tag?: number): boolean | Promise<boolean> {
    if (this.socket.closed) {
      released?.();
      return false;
    }
    if (released || isSmall(parts)) return this.give(parts, released, tag);
    const copied = this.#copies.of(parts);
    return this.give(copied.parts, copied.released, tag);
  }

  protected abstract give(parts: Parts, released: Release | undefined, tag: number | undefined): boolean | Promise<boolean>;

  close(lingerMs?: number): void {
    void this.socket.close(lingerMs);
  }

  async released(): Promise<void> {
    await this.socket.close();
    const { lost, highWater } = this.socket.stats().dropped;
    // The tag reports the outcome of each message of a PUSH.
    if (lost + highWater === 0 || this.knowsFates) return;
    this.#log.info(
      { lost, highWater },
      `of the messages that the socket had accepted, ${lost} were lost with a connection and ${highWater} dropped at the high-water mark`,
    );
  }
}

class PushWriter extends ZmtpWriter {
  protected readonly socket: Push;
  readonly knowsFates = true;

  constructor(socket: Push, log?: Logger) {
    super(log);
    this.socket = socket;
  }

  protected give(parts: Parts, released: Release | undefined, tag: number | undefined): boolean | Promise<boolean> {
    return this.socket.trySend(parts, released, tag) || this.#giveLater(parts, released, tag);
  }

  async #giveLater(parts: Parts, released: Release | undefined, tag: number | undefined): Promise<boolean> {
    try {
      await this.socket.send(parts, released ? { released, tag } : { tag });
      return true;
    } catch (thrown) {
      released?.(); // it was never taken
      if (this.socket.closed) return false;
      throw thrown;
    }
  }
}

class PubWriter extends ZmtpWriter {
  protected readonly socket: Pub;
  readonly knowsFates = false;

  constructor(socket: Pub, log?: Logger) {
    super(log);
    this.socket = socket;
  }

  /** Never waits for a subscriber, only for the streams to go on. */
  protected async give(parts: Parts, released: Release | undefined): Promise<boolean> {
    await this.socket.send(parts, released && { released });
    return true;
  }
}

function isSmall(parts: Parts): boolean {
  for (let index = 0; index < parts.length; index++) if (parts[index]!.length >= REFERENCE_BYTES) return false;
  return true;
}

/** Memory for copies of large parts, used again when all streams are done with it. */
class PartCopies {
  readonly #free: Buffer[] = [];

  of(given: Parts): { parts: Parts; released: Release } {
    const lent: Buffer[] = [];
    const parts = given.map((part) => {
      if (typeof part === 'string' || part.length < REFERENCE_BYTES) return part;
      const memory = this.#take(part.length);
      lent.push(memory);
      memory.set(part);
      return memory.subarray(0, part.length);
    });
    const released = (): void => {
      for (const memory of lent) if (this.#free.length < KEPT_COPIES) this.#free.push(memory);
    };
    return { parts, released };
  }

  #take(lengthBytes: number): Buffer {
    const memory = this.#free.pop();
    // Frames of a sink have one size mostly; what does not fit is left to the collector.
    if (memory && memory.length >= lengthBytes && memory.length <= 2 * lengthBytes) return memory;
    return Buffer.allocUnsafeSlow(lengthBytes);
  }
}
