import { MillraceError } from '../../../errors/errors.js';
import { EventTurn } from '../event-turn.js';
import { Outbox, type Part, type SendOptions, toParts } from '../outbox.js';
import type { Peer } from '../peer.js';
import type { SocketOptions } from '../socket-options.js';
import { ReadingSocket } from './reading-socket.js';

export interface RouterOptions extends SocketOptions {
  /** `send` fails with ERR_UNREACHABLE instead of dropping what cannot be routed, and waits while its peer has no room. */
  readonly mandatory?: boolean;
  /** A peer that comes with the routing id of another takes its place; otherwise it is refused. */
  readonly handover?: boolean;
}

/** ROUTER (RFC 28): the first part of each message is the routing id of the peer, both ways. */
export class Router extends ReadingSocket {
  readonly #byKey = new Map<string, Peer>();
  readonly #ids = new WeakMap<Peer, Buffer>();
  /** With `mandatory`: what waits for each peer's room. */
  readonly #outboxes = new Map<Peer, Outbox>();
  readonly #turn = new EventTurn();
  readonly #mandatory: boolean;
  readonly #handover: boolean;
  #counter = Math.floor(Math.random() * 2 ** 32);

  constructor(options: RouterOptions = {}) {
    super('ROUTER', options);
    this.#mandatory = options.mandatory ?? false;
    this.#handover = options.handover ?? false;
  }

  /**
   * What cannot be routed or has no room is dropped and counted. With `mandatory` it waits for room as `Push.send` does.
   * @throws ERR_UNREACHABLE with `mandatory`, when no peer has that routing id or it is lost before it has room; ERR_TIMEOUT
   */
  async send(message: readonly Part[], options: SendOptions = {}): Promise<void> {
    this.assertOpen();
    const [id, ...parts] = toParts(message);
    if (parts.length === 0) throw new MillraceError('ERR_USAGE', 'a message of a ROUTER has a routing id and one part at least');
    const peer = this.#byKey.get(Buffer.from(id!.buffer, id!.byteOffset, id!.byteLength).toString('latin1'));
    if (this.#mandatory) {
      const outbox = peer && this.#outboxes.get(peer);
      if (outbox === undefined) throw new MillraceError('ERR_UNREACHABLE', 'no peer has that routing id');
      return outbox.send(parts, options);
    }
    if (peer?.hasRoom) {
      if (!peer.send(parts, options.released)) options.released?.();
      return this.#turn.done();
    }
    options.released?.();
    this.counters.dropped[peer ? 'highWater' : 'unroutable'] += 1;
    return this.#turn.done();
  }

  override peerDrained(peer: Peer): void {
    this.#outboxes.get(peer)?.pump();
    super.peerDrained(peer);
  }

  override peerMessage(peer: Peer, parts: Buffer[], bytes: number): void {
    parts.unshift(Buffer.from(this.#ids.get(peer)!));
    super.peerMessage(peer, parts, bytes);
  }

  protected override peerOpened(peer: Peer): void {
    let id = peer.connection!.result!.routingId;
    if (id.length === 0) {
      // Ids that peers choose should not begin with a zero, but this is not guaranteed.
      id = Buffer.alloc(5);
      do {
        this.#counter = (this.#counter + 1) >>> 0;
        id.writeUInt32BE(this.#counter, 1);
      } while (this.#byKey.has(id.toString('latin1')));
    }
    const key = id.toString('latin1');
    const other = this.#byKey.get(key);
    if (other !== undefined && other !== peer) {
      const taken = new MillraceError('ERR_PEER_REFUSED', 'another peer has the same routing id');
      if (!this.#handover) throw taken;
      this.#byKey.delete(key);
      other.connection?.fail(taken);
    }
    peer.routingKey = key;
    this.#byKey.set(key, peer);
    this.#ids.set(peer, id);
    if (!this.#mandatory) return;
    const outbox = new Outbox(this.options);
    outbox.add(peer);
    this.#outboxes.set(peer, outbox);
  }

  protected override peerGone(peer: Peer, _forGood: boolean): void {
    this.#outboxes.get(peer)?.close(new MillraceError('ERR_UNREACHABLE', 'the peer is lost'));
    this.#outboxes.delete(peer);
    if (this.#byKey.get(peer.routingKey) !== peer) return;
    this.#byKey.delete(peer.routingKey);
    // Its id may be another one when it comes back.
    peer.discard();
  }

  protected override closePattern(error: MillraceError): void {
    super.closePattern(error);
    for (const outbox of this.#outboxes.values()) outbox.close(error);
  }
}
