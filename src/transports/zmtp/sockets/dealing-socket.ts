import type { MillraceError } from '../../../errors/errors.js';
import { Outbox, type Part, type SendOptions, toParts } from '../outbox.js';
import type { Peer } from '../peer.js';
import type { SocketOptions } from '../socket-options.js';
import type { SocketType } from '../socket-types.js';
import { refuse } from './push.js';
import { ReadingSocket } from './reading-socket.js';

/** Sends to one peer in turn and receives from all: DEALER, and what PAIR and REQ are built on. */
export abstract class DealingSocket extends ReadingSocket {
  protected readonly outbox: Outbox;

  constructor(type: SocketType, options?: SocketOptions) {
    super(type, options);
    this.outbox = new Outbox(this.options);
  }

  /** As `Push.send`. */
  send(message: Part | readonly Part[], options?: SendOptions): Promise<void> {
    if (this.closed) return refuse(() => this.assertOpen());
    return this.outbox.send(toParts(message), options);
  }

  override peerDrained(peer: Peer): void {
    this.outbox.pump();
    super.peerDrained(peer);
  }

  protected override peerExpected(peer: Peer): void {
    this.outbox.add(peer);
  }

  protected override peerOpened(peer: Peer): void {
    this.outbox.add(peer);
  }

  protected override peerGone(peer: Peer, forGood: boolean): void {
    if (forGood || this.options.immediate) this.outbox.remove(peer);
  }

  protected override closePattern(error: MillraceError): void {
    super.closePattern(error);
    this.outbox.close(error);
  }
}
