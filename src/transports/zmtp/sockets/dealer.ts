import type { SocketOptions } from '../socket-options.js';
import { DealingSocket } from './dealing-socket.js';

/** DEALER (RFC 28): sends to its peers in turn, receives from all of them. */
export class Dealer extends DealingSocket {
  constructor(options?: SocketOptions) {
    super('DEALER', options);
  }
}
