import { EventTurn } from '../event-turn.js';
import { type Part, type SendOptions, toParts } from '../outbox.js';
import type { SocketOptions } from '../socket-options.js';
import { SubscribingSocket } from './subscribing-socket.js';

/** XSUB (RFC 29): subscribes by messages: one byte, 1 or 0, and the topic. Others go to all publishers. */
export class Xsub extends SubscribingSocket {
  readonly #turn = new EventTurn();

  constructor(options?: SocketOptions) {
    super('XSUB', options, false);
  }

  async send(message: Part | readonly Part[], options: SendOptions = {}): Promise<void> {
    this.assertOpen();
    const parts = toParts(message);
    const first = parts[0]!;
    if (parts.length === 1 && first.length > 0 && first[0]! <= 1) {
      if (first[0] === 1) this.want(first.subarray(1));
      else this.unwant(first.subarray(1));
      options.released?.();
      return;
    }
    let holders = 1;
    const letGo = () => {
      holders -= 1;
      if (holders === 0) options.released?.();
    };
    for (const peer of this.peers) {
      if (!peer.ready) continue;
      if (!peer.hasRoom) {
        this.counters.dropped.highWater += 1;
        continue;
      }
      holders += 1;
      if (!peer.send(parts, letGo)) letGo();
    }
    letGo();
    return this.#turn.done();
  }
}
