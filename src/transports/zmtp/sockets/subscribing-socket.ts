import { encodeCommand } from '../command.js';
import { frame } from '../frame-layout.js';
import type { Peer } from '../peer.js';
import type { SocketOptions } from '../socket-options.js';
import type { SocketType } from '../socket-types.js';
import { TopicTree } from '../topic-tree.js';
import { ReadingSocket } from './reading-socket.js';

/** Sends its subscriptions to its publishers, and receives their messages. */
export abstract class SubscribingSocket extends ReadingSocket {
  /** Number of subscriptions to each topic: publishers receive the first and the last change. */
  readonly #wanted = new Map<string, number>();
  readonly #tree = new TopicTree<string>();

  /** @param filters drops messages that match no subscription; an XSUB passes on all, as in libzmq */
  constructor(
    type: SocketType,
    options: SocketOptions | undefined,
    private readonly filters: boolean,
  ) {
    super(type, options);
  }

  protected want(topic: Uint8Array): void {
    const key = Buffer.from(topic).toString('latin1');
    const count = this.#wanted.get(key) ?? 0;
    this.#wanted.set(key, count + 1);
    if (count > 0) return;
    this.#tree.add(topic, key);
    this.#tellAll(topic, true);
  }

  protected unwant(topic: Uint8Array): void {
    const key = Buffer.from(topic).toString('latin1');
    const count = this.#wanted.get(key) ?? 0;
    if (count > 1) this.#wanted.set(key, count - 1);
    if (count !== 1) return;
    this.#wanted.delete(key);
    this.#tree.remove(topic, key);
    this.#tellAll(topic, false);
  }

  protected override peerOpened(peer: Peer): void {
    for (const key of this.#wanted.keys()) tell(peer, Buffer.from(key, 'latin1'), true);
  }

  override peerMessage(peer: Peer, parts: Buffer[], bytes: number): void {
    if (!this.filters || this.#tree.matches(parts[0]!)) {
      super.peerMessage(peer, parts, bytes);
      return;
    }
    // On its way when the subscription ended, or from a publisher that does not filter.
    this.counters.dropped.unwanted += 1;
    this.inbox.drop(parts);
  }

  #tellAll(topic: Uint8Array, subscribe: boolean): void {
    for (const peer of this.peers) if (peer.ready) tell(peer, topic, subscribe);
  }
}

function tell(peer: Peer, topic: Uint8Array, subscribe: boolean): void {
  const connection = peer.connection!;
  if (connection.commandsSubscriptions) connection.sendControl(encodeCommand(subscribe ? 'SUBSCRIBE' : 'CANCEL', topic));
  else connection.sendControl(frame(0, Buffer.concat([Buffer.from([subscribe ? 1 : 0]), topic])));
}
