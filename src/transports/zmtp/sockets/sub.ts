import type { SocketOptions } from '../socket-options.js';
import { SubscribingSocket } from './subscribing-socket.js';

/** SUB (RFC 29). */
export class Sub extends SubscribingSocket {
  constructor(options?: SocketOptions) {
    super('SUB', options, true);
  }

  /**
   * Receives messages whose first part begins with one of the topics; all messages when none is given. Counted: each
   * call needs its own `unsubscribe`.
   */
  subscribe(...topics: (string | Uint8Array)[]): void {
    this.assertOpen();
    for (const topic of topics.length === 0 ? [''] : topics) this.want(Buffer.from(topic));
  }

  unsubscribe(...topics: (string | Uint8Array)[]): void {
    this.assertOpen();
    for (const topic of topics.length === 0 ? [''] : topics) this.unwant(Buffer.from(topic));
  }
}
