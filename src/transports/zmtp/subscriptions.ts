import { MillraceError } from '../../errors/errors.js';
import type { Limits } from './limits.js';
import type { Peer } from './peer.js';
import { TopicTree } from './topic-tree.js';

/** What the subscribers of a publisher want. Each peer has its bounds, in number and in bytes. */
export class Subscriptions {
  readonly #tree = new TopicTree<Peer>();

  constructor(private readonly limits: Pick<Limits, 'maxSubscriptions' | 'maxSubscriptionBytes'>) {}

  /**
   * @returns true when nobody had that topic before
   * @throws ERR_PEER_LIMIT
   */
  add(peer: Peer, topic: Buffer): boolean {
    const key = topic.toString('latin1');
    if (peer.topics.has(key)) return false;
    if (peer.topics.size >= this.limits.maxSubscriptions || peer.topicBytes + topic.length > this.limits.maxSubscriptionBytes) {
      throw new MillraceError(
        'ERR_PEER_LIMIT',
        `the peer has ${peer.topics.size} subscriptions of ${peer.topicBytes} bytes and wants more`,
      );
    }
    peer.topics.add(key);
    peer.topicBytes += topic.length;
    return this.#tree.add(topic, peer);
  }

  /** @returns true when nobody has that topic any more */
  remove(peer: Peer, topic: Buffer): boolean {
    if (!peer.topics.delete(topic.toString('latin1'))) return false;
    peer.topicBytes -= topic.length;
    return this.#tree.remove(topic, peer);
  }

  /** The peer is gone. @returns the topics that nobody has any more */
  forget(peer: Peer): Buffer[] {
    const ended: Buffer[] = [];
    for (const key of peer.topics) {
      const topic = Buffer.from(key, 'latin1');
      if (this.#tree.remove(topic, peer)) ended.push(topic);
    }
    peer.topics.clear();
    peer.topicBytes = 0;
    return ended;
  }

  match(topic: Uint8Array, visit: (peer: Peer) => void): void {
    this.#tree.match(topic, visit);
  }
}
