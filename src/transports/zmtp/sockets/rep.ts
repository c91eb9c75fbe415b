import { MillraceError } from '../../../errors/errors.js';
import { type Part, type SendOptions, toParts } from '../outbox.js';
import type { Peer } from '../peer.js';
import type { CallOptions } from '../pending-call.js';
import type { SocketOptions } from '../socket-options.js';
import { ReadingSocket } from './reading-socket.js';

interface Asker {
  readonly peer: Peer;
  /** Everything up to the empty part, which goes back as it came. */
  readonly envelope: readonly Buffer[];
}

/** REP (RFC 28): takes a request, then answers it, in turn. */
export class Rep extends ReadingSocket {
  readonly #askers = new WeakMap<Buffer[], Asker>();
  #asker: Asker | undefined;
  #receiving = false;

  constructor(options?: SocketOptions) {
    super('REP', options);
  }

  /** @throws ERR_STATE while the last request has no answer, or while another call waits for one */
  override async receive(options?: CallOptions): Promise<Buffer[]> {
    this.#assertTurn();
    this.#receiving = true;
    try {
      const parts = await super.receive(options);
      this.#asker = this.#askers.get(parts);
      return parts;
    } finally {
      this.#receiving = false;
    }
  }

  override tryReceive(): Buffer[] | undefined {
    this.#assertTurn();
    const parts = super.tryReceive();
    if (parts !== undefined) this.#asker = this.#askers.get(parts);
    return parts;
  }

  /** Requests until the socket is closed. @throws ERR_STATE when one was not answered before the next */
  override async *[Symbol.asyncIterator](): AsyncGenerator<Buffer[], void, undefined> {
    for (;;) {
      let parts: Buffer[];
      try {
        parts = await this.receive();
      } catch (error) {
        if (this.closed && error instanceof MillraceError && error.code === 'ERR_CLOSED') return;
        throw error;
      }
      yield parts;
    }
  }

  /** An answer to a disconnected peer is dropped and counted. @throws ERR_STATE without a request */
  async send(message: Part | readonly Part[], options: SendOptions = {}): Promise<void> {
    this.assertOpen();
    const asker = this.#asker;
    if (asker === undefined) throw new MillraceError('ERR_STATE', 'nothing was asked');
    const parts = toParts(message);
    this.#asker = undefined;
    const { dropped } = this.counters;
    let kept = false;
    if (!asker.peer.ready) dropped.unroutable += 1;
    else if (!asker.peer.hasRoom) dropped.highWater += 1;
    else kept = asker.peer.send([...asker.envelope, ...parts], options.released);
    if (!kept) options.released?.();
  }

  override peerMessage(peer: Peer, parts: Buffer[], bytes: number): void {
    const delimiter = parts.findIndex((part) => part.length === 0);
    if (delimiter < 0 || delimiter === parts.length - 1) {
      this.counters.dropped.unexpected += 1;
      this.inbox.drop(parts);
      return;
    }
    // Copied: the caller's memory is returned now.
    const lying = parts.splice(0, delimiter + 1);
    const envelope = lying.map((part) => Buffer.from(part));
    this.inbox.drop(lying);
    this.#askers.set(parts, { peer, envelope });
    super.peerMessage(peer, parts, bytes);
  }

  #assertTurn(): void {
    if (this.#asker !== undefined) throw new MillraceError('ERR_STATE', 'the last request has no answer yet');
    if (this.#receiving) throw new MillraceError('ERR_STATE', 'a request is waited for already');
  }
}
