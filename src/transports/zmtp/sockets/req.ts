import { MillraceError } from '../../../errors/errors.js';
import { Outbox, type Part, type SendOptions, toParts } from '../outbox.js';
import type { Peer } from '../peer.js';
import type { CallOptions } from '../pending-call.js';
import type { SocketOptions } from '../socket-options.js';
import { ReadingSocket } from './reading-socket.js';

const DELIMITER = Buffer.alloc(0);

/** REQ (RFC 28): alternately one request and its answer. Answers from other peers are dropped. */
export class Req extends ReadingSocket {
  readonly #outbox: Outbox;
  #state: 'free' | 'sending' | 'asked' | 'lost' = 'free';
  #asked: Peer | undefined;

  constructor(options?: SocketOptions) {
    super('REQ', options);
    // A request goes to a connected peer: its answerer must be known when it is sent.
    this.#outbox = new Outbox(this.options);
  }

  /** @throws ERR_STATE while an answer is due; otherwise as `Push.send` */
  async send(message: Part | readonly Part[], options: SendOptions = {}): Promise<void> {
    this.assertOpen();
    if (this.#state !== 'free' && this.#state !== 'lost')
      throw new MillraceError('ERR_STATE', 'the answer to the last request is still to come');
    this.#state = 'sending';
    try {
      await this.#outbox.send([DELIMITER, ...toParts(message)], options, (peer) => {
        this.#asked = peer;
        this.#state = 'asked';
      });
    } catch (error) {
      this.#state = 'free';
      throw error;
    }
  }

  /** @throws ERR_STATE without a request, ERR_UNREACHABLE when the peer that was asked is lost */
  override async receive(options?: CallOptions): Promise<Buffer[]> {
    if (this.#state === 'free' && !this.closed) throw new MillraceError('ERR_STATE', 'nothing was asked');
    if (this.#state === 'lost') {
      this.#state = 'free';
      throw lost();
    }
    const parts = await super.receive(options);
    this.#state = 'free';
    return parts;
  }

  override tryReceive(): Buffer[] | undefined {
    const parts = super.tryReceive();
    if (parts !== undefined) this.#state = 'free';
    return parts;
  }

  override peerMessage(peer: Peer, parts: Buffer[], bytes: number): void {
    if (peer !== this.#asked || parts.length < 2 || parts[0]!.length > 0) {
      this.counters.dropped.unexpected += 1;
      this.inbox.drop(parts);
      return;
    }
    this.#asked = undefined;
    this.inbox.drop([parts.shift()!]);
    super.peerMessage(peer, parts, bytes);
  }

  override peerDrained(peer: Peer): void {
    this.#outbox.pump();
    super.peerDrained(peer);
  }

  protected override peerOpened(peer: Peer): void {
    this.#outbox.add(peer);
  }

  protected override peerGone(peer: Peer, _forGood: boolean): void {
    this.#outbox.remove(peer);
    if (this.#asked !== peer) return;
    this.#asked = undefined;
    peer.discard();
    // A pending call is notified now, a later one when it is made.
    this.#state = this.inbox.rejectCalls(lost()) > 0 ? 'free' : 'lost';
  }

  protected override closePattern(error: MillraceError): void {
    super.closePattern(error);
    this.#outbox.close(error);
  }
}

function lost(): MillraceError {
  return new MillraceError('ERR_UNREACHABLE', 'the peer that was asked is lost');
}
