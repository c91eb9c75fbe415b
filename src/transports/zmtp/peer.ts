import type { MillraceError } from '../../errors/errors.js';
import type { ChunkPool } from './chunk-pool.js';
import type { Connection, ConnectionOwner } from './connection.js';
import { Deque } from './deque.js';
import type { FateListener, MessageFate, PeerCounts } from './message-fates.js';
import { SendQueue } from './send-queue.js';
import type { ResolvedOptions } from './socket-options.js';
import type { StatsCounter } from './socket-stats.js';

/** The calls from a peer to its socket. */
export interface PeerHost {
  readonly options: ResolvedOptions;
  readonly counters: StatsCounter;
  readonly chunks: ChunkPool;
  /** Called with messages that have a tag. */
  readonly onFate: FateListener | undefined;
  /** It is closing: queued messages were not delivered. */
  readonly closed: boolean;
  peerReady(peer: Peer): void;
  peerMessage(peer: Peer, parts: Buffer[], bytes: number): void;
  peerOversized(peer: Peer, bytes: number): boolean;
  peerSubscription(peer: Peer, topic: Buffer, subscribe: boolean): void;
  peerDrained(peer: Peer): void;
  peerClosed(peer: Peer, error: MillraceError | undefined, wasReady: boolean): void;
}

export interface WaitingMessage {
  readonly parts: Buffer[];
  readonly bytes: number;
}

/** One partner of a socket, over all the connections that it has one after the other. */
export class Peer implements ConnectionOwner {
  readonly queue: SendQueue;
  /** Received, and not yet taken by the caller. */
  readonly inbound = new Deque<WaitingMessage>();
  inboundBytes = 0;
  /** Topics of this peer, as latin1 text, and their bytes. */
  readonly topics = new Set<string>();
  topicBytes = 0;
  connection: Connection | undefined;
  ready = false;
  /** As text that a Map takes; set by sockets that route by it. */
  routingKey = '';
  /** Stamped by a publisher, so that a peer with several matching topics gets a message once. */
  stamp = 0;
  /** Set when it has disconnected permanently and left messages: called when the last of them was taken. */
  left: (() => void) | undefined;
  /** Where it is or was, for the monitor. */
  address = '';
  /** Of an accepted stream, its other end. */
  remote = '';
  #latest: Map<string, { parts: readonly Uint8Array[]; release: (() => void) | undefined }> | undefined;

  constructor(private readonly host: PeerHost) {
    this.queue = new SendQueue(host.chunks, (fate, count, tags) => this.#onFates(fate, count, tags));
    if (host.options.conflate !== undefined) this.#latest = new Map();
  }

  #written = 0;
  #lost = 0;
  /** Messages that found its queue at the mark. */
  missed = 0;

  get counts(): PeerCounts {
    return { address: this.remote || this.address, written: this.#written, lost: this.#lost, dropped: this.missed };
  }

  #onFates(fate: MessageFate, count: number, tags: Deque<number>): void {
    if (fate === 'written') this.#written += count;
    else this.#lost += count;
    // Messages cut off at the end of the linger were queued when the socket closed.
    const told = fate === 'lost' && this.host.closed ? 'undelivered' : fate;
    for (let n = Math.min(count, tags.length); n > 0; n--) this.host.onFate?.(tags.shift()!, told);
  }

  get hasRoom(): boolean {
    const { sendHighWaterMark, sendHighWaterBytes } = this.host.options;
    if (this.#latest !== undefined) return true;
    const { queue } = this;
    return (sendHighWaterMark === 0 || queue.messages < sendHighWaterMark) && queue.bytes < sendHighWaterBytes;
  }

  get idle(): boolean {
    return this.queue.messages === 0 && (this.#latest === undefined || this.#latest.size === 0);
  }

  /** Queues a message; the caller has looked at `hasRoom`. Returns whether `release` was kept. */
  send(parts: readonly Uint8Array[], release: (() => void) | undefined, tag?: number): boolean {
    if (this.#latest !== undefined && !(this.ready && this.queue.messages === 0)) return this.#replace(parts, release);
    this.host.counters.sent += 1;
    const kept = this.queue.append(parts, release, tag);
    this.connection?.schedule();
    return kept;
  }

  sendFramed(framed: Buffer, lengthBytes: number): void {
    this.host.counters.sent += 1;
    this.queue.appendFramed(framed, lengthBytes);
    this.connection?.schedule();
  }

  /** Gives up all that waits to be sent. */
  discard(): void {
    this.host.counters.dropped.lost += this.queue.clear(this.host.closed ? 'undelivered' : 'lost');
    const latest = this.#latest;
    if (latest === undefined) return;
    this.host.counters.dropped.lost += latest.size;
    for (const { release } of latest.values()) release?.();
    latest.clear();
  }

  established(connection: Connection): void {
    this.connection = connection;
    this.ready = true;
    this.host.peerReady(this);
    this.#moveLatest();
  }

  message(parts: Buffer[], bytes: number): void {
    this.host.peerMessage(this, parts, bytes);
  }

  oversized(bytes: number): boolean {
    return this.host.peerOversized(this, bytes);
  }

  subscription(topic: Buffer, subscribe: boolean): void {
    this.host.peerSubscription(this, topic, subscribe);
  }

  drained(): void {
    if (this.queue.messages === 0) this.#moveLatest();
    this.host.peerDrained(this);
  }

  closed(_connection: Connection, error: MillraceError | undefined, lostMessages: number): void {
    const wasReady = this.ready;
    this.ready = false;
    this.connection = undefined;
    this.host.counters.dropped.lost += lostMessages;
    this.host.peerClosed(this, error, wasReady);
  }

  #replace(parts: readonly Uint8Array[], release: (() => void) | undefined): boolean {
    const latest = this.#latest!;
    const first = parts[0]!;
    const key =
      this.host.options.conflate === 'topic' ? Buffer.from(first.buffer, first.byteOffset, first.byteLength).toString('latin1') : '';
    const old = latest.get(key);
    if (old !== undefined) {
      this.host.counters.dropped.conflated += 1;
      old.release?.();
    } else if (latest.size >= (this.host.options.sendHighWaterMark || Number.POSITIVE_INFINITY)) {
      const [oldest, message] = latest.entries().next().value!;
      latest.delete(oldest);
      this.host.counters.dropped.highWater += 1;
      message.release?.();
    }
    latest.set(key, { parts, release });
    return release !== undefined;
  }

  #moveLatest(): void {
    const latest = this.#latest;
    if (latest === undefined || latest.size === 0) return;
    for (const { parts, release } of latest.values()) {
      this.host.counters.sent += 1;
      if (!this.queue.append(parts, release)) release?.();
    }
    latest.clear();
    this.connection?.schedule();
  }
}
