/** What a peer may cost at most. Every bound ends in a lost connection with a coded error, never in memory. */
export interface Limits {
  /** Greeting and handshake together (ERR_PEER_SILENT); 0 for no limit. */
  readonly handshakeTimeoutMs: number;
  /** All parts of one message (ERR_PEER_LIMIT). */
  readonly maxMessageBytes: number;
  readonly maxParts: number;
  /** Subscriptions that a publisher keeps for one peer, and the bytes of their topics. */
  readonly maxSubscriptions: number;
  readonly maxSubscriptionBytes: number;
}

/** One command, in the handshake and after it; the longest are subscriptions. */
export const COMMAND_LIMIT_BYTES = 64 * 1024;
/** ZMTP: a routing id has 255 bytes at most. */
export const IDENTITY_LIMIT_BYTES = 255;
