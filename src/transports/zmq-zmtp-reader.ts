/** The reading end of driver `zmtp`: safe in a thread that may be ended at any time. */
import { asMillraceError, MillraceError } from '../errors/errors.js';
import type { ZmqReader, ZmqReaderOptions } from './zmq-driver.js';
import { endpointList } from './zmq-options.js';
import { tellOfPeers, waitingFor } from './zmq-zmtp-log.js';
import { Pull } from './zmtp/sockets/pull.js';
import { Sub } from './zmtp/sockets/sub.js';

/** Limits over all peers of a source: messages waiting in the process, and messages begun but not complete. */
const RECEIVE_TOTAL_BYTES = 128 * 2 ** 20;
const UNFINISHED_BYTES = 128 * 2 ** 20;

/** @throws ERR_SOURCE when an endpoint is not to be had. */
export async function openZmtpReader(options: ZmqReaderOptions): Promise<ZmqReader> {
  const settings = {
    receiveHighWaterMark: options.highWaterMark,
    // The mark counts messages, as that of libzmq does.
    receiveHighWaterBytes: Number.POSITIVE_INFINITY,
    receiveTotalBytes: Math.max(RECEIVE_TOTAL_BYTES, 4 * (options.maxMessageBytes ?? 0)),
    ...(options.maxMessageBytes !== undefined && { maxMessageBytes: options.maxMessageBytes }),
    maxUnfinishedBytes: UNFINISHED_BYTES,
    lingerMs: 0,
    ...(options.onOversized && { onOversized: options.onOversized }),
    ...(options.plain && { plain: options.plain }),
    ...(options.onFrame && { onFrame: options.onFrame }),
  };
  const socket = options.socket === 'sub' ? new Sub(settings) : new Pull(settings);
  tellOfPeers(socket.events, options.log);
  try {
    if (socket instanceof Sub) socket.subscribe(...(options.subscribe ?? []));
    for (const endpoint of endpointList(options.bind)) await socket.bind(endpoint);
    for (const endpoint of endpointList(options.connect)) socket.connect(endpoint);
  } catch (thrown) {
    await socket.close();
    throw new MillraceError('ERR_SOURCE', asMillraceError(thrown, 'ERR_ADDRESS').message, { cause: thrown });
  }
  return new ZmtpReader(socket);
}

class ZmtpReader implements ZmqReader {
  readonly #socket: Pull | Sub;
  #timeoutMs = -1;

  constructor(socket: Pull | Sub) {
    this.#socket = socket;
  }

  waitAtMost(timeoutMs: number): void {
    this.#timeoutMs = timeoutMs;
  }

  take(): readonly Uint8Array[] | undefined {
    return this.#socket.tryReceive();
  }

  async receive(): Promise<readonly Uint8Array[] | undefined> {
    const there = this.#socket.tryReceive();
    if (there || this.#socket.closed || this.#timeoutMs === 0) return there;
    const givingUp = this.#timeoutMs < 0 ? undefined : new AbortController();
    const timer = givingUp && setTimeout(() => givingUp.abort(), this.#timeoutMs);
    try {
      return await this.#socket.receive(givingUp && { signal: givingUp.signal });
    } catch (thrown) {
      if (this.#socket.closed || givingUp?.signal.aborted) return undefined;
      throw thrown;
    } finally {
      clearTimeout(timer);
    }
  }

  waitsFor(): readonly string[] | undefined {
    return waitingFor(this.#socket);
  }

  resumeFrames(): void {
    this.#socket.resumeFrames();
  }

  close(): Promise<void> {
    return this.#socket.close();
  }
}
