import type { MillraceError } from '../../../errors/errors.js';
import { Outbox, type Part, type SendOptions, toParts } from '../outbox.js';
import type { Peer } from '../peer.js';
import type { SocketOptions } from '../socket-options.js';
import { ZmtpSocket } from './zmtp-socket.js';

/** PUSH (RFC 30): each message to one PULL peer, in turn; waits while none has room. */
export class Push extends ZmtpSocket {
  readonly #outbox: Outbox;

  constructor(options?: SocketOptions) {
    super('PUSH', options);
    this.#outbox = new Outbox(this.options);
  }

  /**
   * Settles when the message is queued. Parts of 16 KiB and more are written from where they lie: see `released`.
   * @throws ERR_CLOSED, ERR_TIMEOUT after `sendTimeoutMs`, or the reason of the signal
   */
  send(message: Part | readonly Part[], options?: SendOptions): Promise<void> {
    if (this.closed) return refuse(() => this.assertOpen());
    return this.#outbox.send(toParts(message), options);
  }

  /** As `send`, if a peer has room now; otherwise false, without effect. A loop over it must let the streams run. */
  trySend(message: Part | readonly Part[], released?: () => void, tag?: number): boolean {
    return !this.closed && this.#outbox.trySend(toParts(message), released, tag);
  }

  peerMessage(_peer: Peer, parts: Buffer[]): void {
    this.counters.dropped.unexpected += 1;
    this.frames?.drop(parts);
  }

  override peerDrained(peer: Peer): void {
    this.#outbox.pump();
    super.peerDrained(peer);
  }

  protected override peerExpected(peer: Peer): void {
    this.#outbox.add(peer);
  }

  protected peerOpened(peer: Peer): void {
    this.#outbox.add(peer);
  }

  protected peerGone(peer: Peer, forGood: boolean): void {
    if (forGood || this.options.immediate) this.#outbox.remove(peer);
  }

  protected closePattern(error: MillraceError): void {
    this.#outbox.close(error);
  }
}

/** What `check` throws, as a promise. */
export function refuse(check: () => void): Promise<never> {
  try {
    check();
  } catch (error) {
    return Promise.reject(error);
  }
  throw new Error('the check passed');
}
