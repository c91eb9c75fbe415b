import { MillraceError } from '../../../errors/errors.js';
import type { Peer } from '../peer.js';
import type { SocketOptions } from '../socket-options.js';
import { DealingSocket } from './dealing-socket.js';

/** PAIR (RFC 31): one peer, both ways. A second peer is refused while the first is connected. */
export class Pair extends DealingSocket {
  #partner: Peer | undefined;

  constructor(options?: SocketOptions) {
    super('PAIR', options);
  }

  protected override peerExpected(peer: Peer): void {
    if (this.#partner !== undefined) return;
    this.#partner = peer;
    super.peerExpected(peer);
  }

  protected override peerOpened(peer: Peer): void {
    this.#partner ??= peer;
    if (this.#partner !== peer) throw new MillraceError('ERR_PEER_REFUSED', 'a PAIR has its partner already');
    super.peerOpened(peer);
  }

  protected override peerGone(peer: Peer, forGood: boolean): void {
    super.peerGone(peer, forGood);
    if (forGood && this.#partner === peer) this.#partner = undefined;
  }
}
