/**
 * Maximum resources per peer. Exceeding a limit never costs memory: the message is refused, or the connection ends with
 * a coded error.
 */
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

/** Limits over all peers of one socket. When one is exceeded, the peer that holds most is disconnected. */
export interface SharedLimits {
  /** The transport's own memory in messages that are not complete (ERR_PEER_LIMIT). */
  readonly maxUnfinishedBytes: number;
  readonly maxTotalSubscriptions: number;
  readonly maxTotalSubscriptionBytes: number;
}

/** Commands and subscriptions of one peer: those over the rate are read later. */
export const COMMANDS_PER_S = 20_000;
export const COMMAND_BURST = 50_000;

/** One command, in the handshake and after it; the longest are subscriptions. */
export const COMMAND_LIMIT_BYTES = 64 * 1024;
/** ZMTP: a routing id has 255 bytes at most. */
export const IDENTITY_LIMIT_BYTES = 255;
