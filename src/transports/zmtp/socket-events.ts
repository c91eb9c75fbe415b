import { EventEmitter } from 'node:events';
import type { MillraceError } from '../../errors/errors.js';

export interface SocketEvent {
  readonly address: string;
  readonly error?: MillraceError;
  /** Until the next attempt (`connect:retry`). */
  readonly delayMs?: number;
}

export type SocketEventName =
  | 'bind'
  | 'unbind'
  | 'accept'
  /** A stream is tried again after `delayMs`. */
  | 'connect:retry'
  /** Messages may flow. */
  | 'handshake'
  /** The peer was lost before that. */
  | 'handshake:error'
  /** The peer was lost after it; `error` is missing when it simply ended. */
  | 'disconnect'
  | 'close';

/**
 * Events of the connections of a socket. Listeners are optional; a listener that throws is the caller's responsibility.
 */
export class SocketEvents extends EventEmitter<Record<SocketEventName, [SocketEvent]>> {}
