import { CHUNK_BYTES } from '../chunk-pool.js';
import { EventTurn } from '../event-turn.js';
import { FLAG_MORE, LONG_HEAD_BYTES, writeHead } from '../frame-layout.js';
import { type Part, type SendOptions, toParts } from '../outbox.js';
import type { Peer } from '../peer.js';
import { REFERENCE_BYTES } from '../send-queue.js';
import type { SocketOptions } from '../socket-options.js';
import type { SocketType } from '../socket-types.js';
import { Subscriptions } from '../subscriptions.js';
import { refuse } from './push.js';
import { ReadingSocket } from './reading-socket.js';

/**
 * Sends each message to all peers that subscribed to a prefix of its first part. Small messages are framed once for any
 * number of peers.
 */
export abstract class PublishingSocket extends ReadingSocket {
  protected readonly subscriptions: Subscriptions;
  readonly #framed = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  readonly #turn = new EventTurn();
  #stamp = 0;
  #parts: readonly Uint8Array[] = [];
  /** Of the message at hand in `#framed`, 0 when it goes out by reference. */
  #framedBytes = 0;
  #release: (() => void) | undefined;
  #crowded = false;
  readonly #offer = (peer: Peer) => {
    if (peer.stamp === this.#stamp) return;
    peer.stamp = this.#stamp;
    this.#give(peer);
  };

  constructor(type: SocketType, options?: SocketOptions) {
    super(type, options);
    this.subscriptions = new Subscriptions(this.options, (peer, ended) => this.topicsEnded(peer, ended));
  }

  /**
   * Never waits for a slow subscriber: one at its mark misses the message, and that is counted. While one is half way there, and
   * once in a while, the promise takes a turn of the event loop, so that a loop of `await send(...)` lets the streams go on.
   */
  send(message: Part | readonly Part[], options: SendOptions = {}): Promise<void> {
    if (this.closed) return refuse(() => this.assertOpen());
    const parts = toParts(message);
    this.#stamp = (this.#stamp + 1) >>> 0 || 1;
    this.#parts = parts;
    this.#crowded = false;
    this.#framedBytes = this.options.conflate === undefined ? this.#frame(parts) : 0;
    const { released } = options;
    if (this.#framedBytes > 0 || released === undefined) {
      this.#release = undefined;
      this.subscriptions.match(parts[0]!, this.#offer);
      released?.();
    } else this.#shareOut(parts, released);
    this.#parts = [];
    return this.#turn.done(this.#crowded);
  }

  override peerSubscription(peer: Peer, topic: Buffer, subscribe: boolean): void {
    if (subscribe) this.subscriptions.add(peer, topic);
    else this.subscriptions.remove(peer, topic);
  }

  override peerMessage(peer: Peer, parts: Buffer[], bytes: number): void {
    const first = parts[0]!;
    // Until ZMTP 3.0 subscriptions are messages: one byte, 1 or 0, and the topic.
    if (parts.length === 1 && first.length > 0 && first[0]! <= 1) {
      peer.connection?.spendCommand();
      this.peerSubscription(peer, first.subarray(1), first[0] === 1);
      this.inbox.drop(parts);
    } else this.peerUpstream(peer, parts, bytes);
  }

  /** A message of a subscriber that is no subscription. */
  protected peerUpstream(_peer: Peer, parts: Buffer[], _bytes: number): void {
    this.counters.dropped.unexpected += 1;
    this.inbox.drop(parts);
  }

  /** No peer has these topics any more, since `peer` has disconnected. */
  protected topicsEnded(_peer: Peer, _topics: readonly Buffer[]): void {}

  protected override peerGone(peer: Peer, _forGood: boolean): void {
    this.topicsEnded(peer, this.subscriptions.forget(peer));
    // The next connection sends its subscriptions anew.
    peer.discard();
  }

  /** The memory goes back when the last of the subscribers is done with it. */
  #shareOut(parts: readonly Uint8Array[], released: () => void): void {
    let holders = 1;
    const letGo = () => {
      holders -= 1;
      if (holders === 0) released();
    };
    this.#release = () => {
      letGo();
    };
    const release = this.#release;
    this.subscriptions.match(parts[0]!, (peer) => {
      if (peer.stamp === this.#stamp) return;
      peer.stamp = this.#stamp;
      holders += 1;
      if (!this.#hold(peer, parts, release)) letGo();
    });
    letGo();
  }

  #give(peer: Peer): void {
    if (this.#framedBytes > 0) {
      if (!this.#admits(peer)) return;
      peer.sendFramed(this.#framed, this.#framedBytes);
    } else this.#hold(peer, this.#parts, undefined);
  }

  #hold(peer: Peer, parts: readonly Uint8Array[], release: (() => void) | undefined): boolean {
    return this.#admits(peer) && peer.send(parts, release);
  }

  #admits(peer: Peer): boolean {
    const { queue } = peer;
    if (!peer.hasRoom) {
      this.counters.dropped.highWater += 1;
      peer.missed += 1;
      this.#crowded = true;
      return false;
    }
    const { sendHighWaterMark, sendHighWaterBytes } = this.options;
    const half = sendHighWaterMark > 0 && queue.messages * 2 >= sendHighWaterMark;
    if (half || queue.bytes * 2 >= sendHighWaterBytes) this.#crowded = true;
    return true;
  }

  /** Frames a message that has no large part; 0 when it has one or is too long. */
  #frame(parts: readonly Uint8Array[]): number {
    let bytes = 0;
    for (const part of parts) {
      if (part.byteLength >= REFERENCE_BYTES) return 0;
      bytes += part.byteLength + LONG_HEAD_BYTES;
    }
    if (bytes > CHUNK_BYTES) return 0;
    let offset = 0;
    for (let index = 0; index < parts.length; index++) {
      const part = parts[index]!;
      offset = writeHead(this.#framed, offset, index < parts.length - 1 ? FLAG_MORE : 0, part.byteLength);
      this.#framed.set(part, offset);
      offset += part.byteLength;
    }
    return offset;
  }
}
