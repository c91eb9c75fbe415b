/** The interface of a ZeroMQ driver for the source and sink `zmq`. */
import type { Logger } from '../errors/logger.js';
import type { ZmqOptions } from './zmq-options.js';
import type { FrameMemory } from './zmtp/frame-memory.js';
import type { FateListener, PeerCounts } from './zmtp/message-fates.js';

export interface ZmqReaderOptions extends ZmqOptions {
  readonly socket: 'pull' | 'sub';
  /** Prefixes of the first part; without any, all messages. */
  readonly subscribe?: readonly string[];
  /** Messages that the socket holds for each peer. */
  readonly highWaterMark: number;
  /** Called with the address on which the socket listens, and with peers that break the protocol. */
  readonly log?: Logger;
  /** Longest message, all parts together. Driver zmtp reads past a longer one and calls `onOversized`; libzmq has no such bound here. */
  readonly maxMessageBytes?: number;
  /** Called for each message over `maxMessageBytes`, with the bytes that its sender announced so far. */
  readonly onOversized?: (lengthBytes: number) => void;
  /** Memory for large parts, where the driver can read into it. */
  readonly onFrame?: FrameMemory;
}

export interface ZmqWriterOptions extends ZmqOptions {
  readonly socket: 'push' | 'pub';
  readonly highWaterMark: number;
  /** How long the socket continues to send accepted messages after `close()`; -1: without limit. */
  readonly lingerMs: number;
  /** Queue for completed connections only. */
  readonly immediate: boolean;
  readonly log?: Logger;
  /** Called with the outcome of each message of a PUSH that was sent with a tag, if the driver knows it. */
  readonly onFate?: FateListener;
}

export interface ZmqReader {
  /** From now on `receive` waits this long; 0 takes only what has already arrived, -1 waits for ever. */
  waitAtMost(timeoutMs: number): void;
  /** The parts of a message that is there already, the caller's own; undefined when there is none, or none can be had without waiting. */
  take(): readonly Uint8Array[] | undefined;
  /** The parts of the next message, the caller's own; undefined when the time is up or the socket was closed. */
  receive(): Promise<readonly Uint8Array[] | undefined>;
  /** Addresses without a peer there; undefined where the driver does not know. */
  waitsFor(): readonly string[] | undefined;
  /** Asks for memory again that `onFrame` did not have. */
  resumeFrames(): void;
  /** What waits in `receive` ends at once. Resolves when the addresses are free again. */
  close(): Promise<void>;
}

export interface ZmqWriter {
  /** Whether the driver knows when the stream has taken a message; otherwise `onFate` is never called. */
  readonly knowsFates: boolean;
  /** Whether nothing waits to be written; true where the driver does not know. */
  readonly idle: boolean;
  /** What each peer was given; empty where the driver does not know. */
  peerCounts(): readonly PeerCounts[];
  /** Addresses without a peer there; undefined where the driver does not know. */
  waitsFor(): readonly string[] | undefined;
  /**
   * A message with a part of at least this length can be read in place until it is released. Infinity: the driver
   * copies all messages.
   */
  readonly inPlaceFromBytes: number;
  /**
   * True when the socket accepted the whole message, a promise while it waits for room, false when the socket is or was
   * closed meanwhile. Without `released`, the parts are no longer read then; with it, large parts are read until it is
   * called, once.
   */
  send(parts: readonly (Uint8Array | string)[], released?: () => void, tag?: number): boolean | Promise<boolean>;
  /** Closes at once: sends that wait for room end, and accepted messages linger for at most `lingerMs`. */
  close(lingerMs?: number): void;
  /** Resolves when the socket has let go of everything that was sent: not before may the thread end. Call it after `close`. */
  released(): Promise<void>;
}

/** `lingerMs: -1` means this: a thread that waits for a peer for ever could never end. */
export const LONGEST_LINGER_MS = 30_000;
