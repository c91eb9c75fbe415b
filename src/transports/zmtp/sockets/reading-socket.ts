import type { MillraceError } from '../../../errors/errors.js';
import { Inbox } from '../inbox.js';
import type { Peer } from '../peer.js';
import type { CallOptions } from '../pending-call.js';
import type { SocketOptions } from '../socket-options.js';
import type { SocketType } from '../socket-types.js';
import { ZmtpSocket } from './zmtp-socket.js';

/** A socket that messages are received from. */
export abstract class ReadingSocket extends ZmtpSocket {
  protected readonly inbox: Inbox;

  constructor(type: SocketType, options?: SocketOptions) {
    super(type, options);
    this.inbox = new Inbox(this.options, this.counters, this.frames);
  }

  /**
   * The next message, fair among the peers. Parts of `onFrame` are the memory that it gave.
   * @throws ERR_CLOSED, ERR_TIMEOUT after `receiveTimeoutMs`, or the reason of the signal
   */
  receive(options?: CallOptions): Promise<Buffer[]> {
    return this.inbox.receive(options);
  }

  /** A message that is there already, or undefined. */
  tryReceive(): Buffer[] | undefined {
    return this.inbox.take();
  }

  /** Messages until the socket is closed. */
  [Symbol.asyncIterator](): AsyncGenerator<Buffer[], void, undefined> {
    return this.inbox.iterate();
  }

  peerMessage(peer: Peer, parts: Buffer[], bytes: number): void {
    this.inbox.put(peer, parts, bytes);
  }

  protected peerOpened(_peer: Peer): void {}

  protected peerGone(_peer: Peer, _forGood: boolean): void {}

  protected closePattern(_error: MillraceError): void {
    this.inbox.close();
  }
}
