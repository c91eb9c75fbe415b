import type { SocketOptions } from '../socket-options.js';
import { PublishingSocket } from './publishing-socket.js';

/** PUB (RFC 29): to all peers that subscribed to a prefix of the first part. */
export class Pub extends PublishingSocket {
  constructor(options?: SocketOptions) {
    super('PUB', options);
  }
}
