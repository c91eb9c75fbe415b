import type { Peer } from '../peer.js';
import type { SocketOptions } from '../socket-options.js';
import { PublishingSocket } from './publishing-socket.js';

export interface XpubOptions extends SocketOptions {
  /** Pass on each subscription, not only the first to a topic. The end is passed on when the last one ends. */
  readonly verbose?: boolean;
}

/** XPUB (RFC 29): a PUB that receives the subscriptions too: one byte, 1 or 0, and the topic. */
export class Xpub extends PublishingSocket {
  readonly #verbose: boolean;

  constructor(options: XpubOptions = {}) {
    super('XPUB', options);
    this.#verbose = options.verbose ?? false;
  }

  override peerSubscription(peer: Peer, topic: Buffer, subscribe: boolean): void {
    const news = subscribe ? this.subscriptions.add(peer, topic) : this.subscriptions.remove(peer, topic);
    if (news || (subscribe && this.#verbose)) this.#tell(peer, topic, subscribe);
  }

  protected override peerUpstream(peer: Peer, parts: Buffer[], bytes: number): void {
    this.inbox.put(peer, parts, bytes);
  }

  protected override topicsEnded(peer: Peer, topics: readonly Buffer[]): void {
    for (const topic of topics) this.#tell(peer, topic, false);
  }

  #tell(peer: Peer, topic: Buffer, subscribe: boolean): void {
    const message = Buffer.concat([Buffer.from([subscribe ? 1 : 0]), topic]);
    this.inbox.put(peer, [message], message.length);
  }
}
