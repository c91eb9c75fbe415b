/** The writing end of driver `zmtp`: safe in a thread that may be ended at any time. */
import { asMillraceError, MillraceError } from '../errors/errors.js';
import { type Logger, SILENT } from '../errors/logger.js';
import { LONGEST_LINGER_MS, type ZmqWriter, type ZmqWriterOptions } from './zmq.js';
import { endpointList } from './zmq-options.js';
import { tellOfPeers } from './zmq-zmtp-log.js';
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

abstract class ZmtpWriter implements ZmqWriter {
  protected readonly socket: Push | Pub;
  #lostBefore = 0;

  constructor(
    socket: Push | Pub,
    private readonly log: Logger = SILENT,
  ) {
    this.socket = socket;
  }

  abstract send(parts: Parts): boolean | Promise<boolean>;

  abstract unread(): Promise<void> | undefined;

  close(lingerMs?: number): void {
    void this.socket.close(lingerMs);
  }

  async released(): Promise<void> {
    await this.socket.close();
    const { lost, highWater } = this.socket.stats().dropped;
    if (lost + highWater > this.#lostBefore)
      this.log.warn(
        { lost, highWater },
        `of what the socket had accepted, ${lost} messages were lost with a connection, ${highWater} dropped at the high-water mark`,
      );
    this.#lostBefore = lost + highWater;
  }
}

/** Large parts are written from where they lie. */
class PushWriter extends ZmtpWriter {
  /** Messages with parts that the socket may still read. */
  #readCount = 0;
  #waiting: (() => void) | undefined;
  readonly #release = (): void => {
    if (--this.#readCount > 0 || !this.#waiting) return;
    this.#waiting();
    this.#waiting = undefined;
  };
  declare protected readonly socket: Push;

  send(parts: Parts): boolean | Promise<boolean> {
    if (this.socket.closed) return false;
    this.#readCount++;
    return this.socket.trySend(parts, this.#release) || this.#sendLater(parts);
  }

  async #sendLater(parts: Parts): Promise<boolean> {
    try {
      await this.socket.send(parts, { released: this.#release });
      return true;
    } catch (thrown) {
      this.#release(); // it was never taken
      if (this.socket.closed) return false;
      throw thrown;
    }
  }

  unread(): Promise<void> | undefined {
    if (this.#readCount === 0) return undefined;
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }
}

/**
 * A subscriber that takes nothing keeps what it was to be sent for as long as it likes, and nobody may wait for it: large
 * parts are copied, once for all subscribers.
 */
class PubWriter extends ZmtpWriter {
  readonly #copies = new PartCopies();
  declare protected readonly socket: Pub;

  async send(parts: Parts): Promise<boolean> {
    if (this.socket.closed) return false;
    if (parts.every((part) => part.length < REFERENCE_BYTES)) await this.socket.send(parts);
    else {
      const { copies, released } = this.#copies.of(parts);
      await this.socket.send(copies, { released });
    }
    return true;
  }

  unread(): undefined {
    return undefined;
  }
}

/** Memory for copies of large parts, used again when all streams are done with it. */
class PartCopies {
  readonly #free: Buffer[] = [];

  of(parts: Parts): { copies: Parts; released: () => void } {
    const lent: Buffer[] = [];
    const copies = parts.map((part) => {
      if (typeof part === 'string' || part.length < REFERENCE_BYTES) return part;
      const memory = this.#take(part.length);
      lent.push(memory);
      memory.set(part);
      return memory.subarray(0, part.length);
    });
    const released = (): void => {
      for (const memory of lent) if (this.#free.length < KEPT_COPIES) this.#free.push(memory);
    };
    return { copies, released };
  }

  #take(lengthBytes: number): Buffer {
    const memory = this.#free.pop();
    // Frames of a source have one size mostly; what does not fit is left to the collector.
    if (memory && memory.length >= lengthBytes && memory.length <= 2 * lengthBytes) return memory;
    return Buffer.allocUnsafeSlow(lengthBytes);
  }
}
