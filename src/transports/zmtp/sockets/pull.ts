import type { SocketOptions } from '../socket-options.js';
import { ReadingSocket } from './reading-socket.js';

/** PULL (RFC 30): takes from its PUSH peers in turn. */
export class Pull extends ReadingSocket {
  constructor(options?: SocketOptions) {
    super('PULL', options);
  }
}
