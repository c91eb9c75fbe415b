import { MillraceError } from '../../errors/errors.js';
import type { Limits, SharedLimits } from './limits.js';
import type { Peer } from './peer.js';
import { TopicTree } from './topic-tree.js';

type SubscriptionLimits = Pick<Limits, 'maxSubscriptions' | 'maxSubscriptionBytes'> &
  Pick<SharedLimits, 'maxTotalSubscriptions' | 'maxTotalSubscriptionBytes'>;

/** The subscriptions of a publisher's peers. Each peer has limits, in number and in bytes, and so do all together. */
export class Subscriptions {
  readonly #tree = new TopicTree<Peer>();
  readonly #peers = new Set<Peer>();
  #totalBytes = 0;

  /** @param cutOff called with the topics that no peer has any more once a peer is disconnected */
  constructor(
    private readonly limits: SubscriptionLimits,
    private readonly cutOff: (peer: Peer, ended: readonly Buffer[]) => void,
  ) {}

  /**
   * Over a bound of all peers together, the one with the most subscriptions is cut off; it may be this one.
   * @returns true when no other peer had that topic before
   * @throws ERR_PEER_LIMIT
   */
  add(peer: Peer, topic: Buffer): boolean {
    const key = topic.toString('latin1');
    if (peer.topics.has(key)) return false;
    const { maxSubscriptions, maxSubscriptionBytes } = this.limits;
    if (peer.topics.size >= maxSubscriptions || peer.topicBytes + topic.length > maxSubscriptionBytes) {
      throw new MillraceError(
        'ERR_PEER_LIMIT',
        `the peer has ${peer.topics.size} subscriptions of ${peer.topicBytes} bytes and wants more`,
      );
    }
    this.#makeRoom(peer, topic.length);
    this.#peers.add(peer);
    peer.topics.add(key);
    peer.topicBytes += topic.length;
    this.#totalBytes += topic.length;
    return this.#tree.add(topic, peer);
  }

  /** @returns true when no peer has that topic any more */
  remove(peer: Peer, topic: Buffer): boolean {
    if (!peer.topics.delete(topic.toString('latin1'))) return false;
    peer.topicBytes -= topic.length;
    this.#totalBytes -= topic.length;
    return this.#tree.remove(topic, peer);
  }

  /** The peer has disconnected. @returns the topics that no peer has any more */
  forget(peer: Peer): Buffer[] {
    const ended: Buffer[] = [];
    for (const key of peer.topics) {
      const topic = Buffer.from(key, 'latin1');
      if (this.#tree.remove(topic, peer)) ended.push(topic);
    }
    this.#totalBytes -= peer.topicBytes;
    peer.topics.clear();
    peer.topicBytes = 0;
    this.#peers.delete(peer);
    return ended;
  }

  match(topic: Uint8Array, visit: (peer: Peer) => void): void {
    this.#tree.match(topic, visit);
  }

  #makeRoom(peer: Peer, bytes: number): void {
    const { maxTotalSubscriptions, maxTotalSubscriptionBytes } = this.limits;
    if (this.#tree.size < maxTotalSubscriptions && this.#totalBytes + bytes <= maxTotalSubscriptionBytes) return;
    let largest = peer;
    for (const other of this.#peers) if (other.topics.size > largest.topics.size && other.connection !== undefined) largest = other;
    const error = new MillraceError(
      'ERR_PEER_LIMIT',
      `all peers together have ${this.#tree.size} subscriptions of ${this.#totalBytes} bytes, this one ${largest.topics.size}, and want more`,
    );
    if (largest === peer) throw error;
    // Its topics are given up at once: its stream ends in a later turn.
    this.cutOff(largest, this.forget(largest));
    largest.connection!.fail(error);
  }
}
