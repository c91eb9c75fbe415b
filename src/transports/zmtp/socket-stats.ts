/** Why a message was lost: each is counted by its number of messages. */
export type DropReason =
  /** The peer's queue was at its mark (PUB, XPUB, ROUTER, REP). */
  | 'highWater'
  /** No peer has that routing id, or the peer has disconnected (ROUTER, REP). */
  | 'unroutable'
  /** A later message took its place (`conflate`). */
  | 'conflated'
  /** Under way or queued when the connection was lost, or still queued when the socket closed. */
  | 'lost'
  /** Arrived without the envelope that REQ and REP require, or as an unexpected answer. */
  | 'unexpected'
  /** Came in and was not subscribed to (SUB). */
  | 'unwanted'
  /** Came in over `maxMessageBytes` and was read past (`onOversized`). */
  | 'oversized';

export interface SocketStats {
  readonly dropped: Readonly<Record<DropReason, number>>;
  readonly peers: number;
  readonly queuedMessages: number;
  readonly queuedBytes: number;
  readonly received: number;
  readonly sent: number;
  readonly reconnects: number;
  readonly handshakesFailed: number;
  /** Streams that were closed at once, since `maxPeers` were there. */
  readonly peersRefused: number;
}

export class StatsCounter {
  readonly dropped: Record<DropReason, number> = {
    highWater: 0,
    unroutable: 0,
    conflated: 0,
    lost: 0,
    unexpected: 0,
    unwanted: 0,
    oversized: 0,
  };
  received = 0;
  sent = 0;
  reconnects = 0;
  handshakesFailed = 0;
  peersRefused = 0;
}
