import { MillraceError } from '../../errors/errors.js';

/** A connection in the middle of a message. */
export interface UnfinishedHolder {
  fail(error: MillraceError): void;
}

/**
 * The memory that all connections of a socket hold in incomplete messages. Over the limit, the connection that holds
 * most is closed.
 */
export class UnfinishedMessages {
  readonly #held = new Map<UnfinishedHolder, number>();
  #bytes = 0;

  constructor(private readonly maxBytes: number) {}

  /** The current bytes of a holder; 0 when it holds nothing or has disconnected. */
  set(holder: UnfinishedHolder, bytes: number): void {
    this.#bytes += bytes - (this.#held.get(holder) ?? 0);
    if (bytes > 0) this.#held.set(holder, bytes);
    else this.#held.delete(holder);
    while (this.#bytes > this.maxBytes && this.#held.size > 0) this.#cutOffLargest();
  }

  #cutOffLargest(): void {
    let largest: UnfinishedHolder | undefined;
    let most = -1;
    for (const [holder, bytes] of this.#held) {
      if (bytes <= most) continue;
      most = bytes;
      largest = holder;
    }
    this.#held.delete(largest!);
    this.#bytes -= most;
    const message = `all peers together hold more than ${this.maxBytes} bytes of unfinished messages, this one ${most}`;
    largest!.fail(new MillraceError('ERR_PEER_LIMIT', message));
  }
}
