import { MillraceError } from '../../errors/errors.js';
import type { FrameMemory } from './frame-memory.js';
import type { PlainCredentials } from './handshake.js';

/** Options of every socket. The README lists the corresponding zeromq.js options. */
export interface SocketOptions {
  /** Messages that wait for one peer, 0 for no mark. Default 1000. */
  readonly sendHighWaterMark?: number;
  /** Bytes that may wait for one peer; a message is accepted while fewer wait. Default 64 MiB. */
  readonly sendHighWaterBytes?: number;
  /** Maximum unreceived messages from one peer; above it, its stream is not read. Default 1000. */
  readonly receiveHighWaterMark?: number;
  readonly receiveHighWaterBytes?: number;
  /** Bytes from all peers together that were not received yet; over it, peers that send more are not read. Default 256 MiB. */
  readonly receiveTotalBytes?: number;
  /** How long `send` waits for a peer with room: -1 for ever (default), 0 not at all. Then ERR_TIMEOUT. */
  readonly sendTimeoutMs?: number;
  readonly receiveTimeoutMs?: number;
  /** How long `close` continues to write queued messages: -1 without limit. Default 1000. */
  readonly lingerMs?: number;
  /** The first pause before a connection is tried again; it doubles up to the second, and each is cut by up to half at random. */
  readonly reconnectIntervalMs?: number;
  readonly reconnectMaxIntervalMs?: number;
  /** For greeting and handshake together, the wait for the stream too; 0 for no limit. Default 30,000. */
  readonly handshakeTimeoutMs?: number;
  readonly heartbeatIntervalMs?: number;
  readonly heartbeatTimeoutMs?: number;
  readonly heartbeatTtlMs?: number;
  /** Up to 255 bytes that a ROUTER knows this socket by. */
  readonly routingId?: string | Uint8Array;
  /** Queue only for peers that are connected; otherwise a connecting peer takes messages from the first. */
  readonly immediate?: boolean;
  /** Keep only the latest message that waits: one, or one for each first part. */
  readonly conflate?: 'last' | 'topic';
  readonly plain?: PlainCredentials;
  readonly maxMessageBytes?: number;
  readonly maxParts?: number;
  readonly maxSubscriptions?: number;
  readonly maxSubscriptionBytes?: number;
  /** Bounds for all peers together: over one, the peer that holds most is cut off. Defaults 1 GiB, 200,000 and 64 MiB. */
  readonly maxUnfinishedBytes?: number;
  readonly maxTotalSubscriptions?: number;
  readonly maxTotalSubscriptionBytes?: number;
  /** A message over `maxMessageBytes` is read past and reported here, with the bytes that were announced so far; without it, the peer is cut off. */
  readonly onOversized?: (lengthBytes: number) => void;
  /** Peers that each bound endpoint serves at once. Default 4096. */
  readonly maxPeers?: number;
  /** The caller's memory for large frames. */
  readonly onFrame?: FrameMemory;
  /** Read accepted streams through Node's own buffers, for one copy more. */
  readonly copyAccepted?: boolean;
}

export type ResolvedOptions = Required<Omit<SocketOptions, 'conflate' | 'plain' | 'onFrame' | 'onOversized' | 'routingId'>> &
  Pick<SocketOptions, 'conflate' | 'plain' | 'onFrame' | 'onOversized'> & { readonly routingId: Buffer };

const MIB = 1024 * 1024;

const DEFAULTS = {
  sendHighWaterMark: 1000,
  sendHighWaterBytes: 64 * MIB,
  receiveHighWaterMark: 1000,
  receiveHighWaterBytes: 64 * MIB,
  receiveTotalBytes: 256 * MIB,
  sendTimeoutMs: -1,
  receiveTimeoutMs: -1,
  lingerMs: 1000,
  reconnectIntervalMs: 100,
  reconnectMaxIntervalMs: 5000,
  handshakeTimeoutMs: 30_000,
  heartbeatIntervalMs: 0,
  heartbeatTimeoutMs: 0,
  heartbeatTtlMs: 0,
  maxMessageBytes: 1024 * MIB,
  maxParts: 65_536,
  maxSubscriptions: 100_000,
  maxSubscriptionBytes: 16 * MIB,
  maxUnfinishedBytes: 1024 * MIB,
  maxTotalSubscriptions: 200_000,
  maxTotalSubscriptionBytes: 64 * MIB,
  maxPeers: 4096,
};

// A timer with a larger value fires at once.
const LONGEST_MS = 2 ** 31 - 1;
const UNBOUNDED: readonly string[] = ['sendTimeoutMs', 'receiveTimeoutMs', 'lingerMs'];

const OTHERS = ['routingId', 'immediate', 'conflate', 'plain', 'onFrame', 'onOversized', 'copyAccepted'];
/** Of ROUTER and XPUB, which read them themselves. */
const OF_SOME = ['mandatory', 'handover', 'verbose'];
const KNOWN = new Set([...Object.keys(DEFAULTS), ...OTHERS, ...OF_SOME]);

/** @throws ERR_USAGE for a value out of range, and for an option that is not known: those of zeromq.js have other names */
export function resolveOptions(options: SocketOptions): ResolvedOptions {
  for (const name of Object.keys(options)) {
    if (KNOWN.has(name)) continue;
    const hint = KNOWN.has(`${name}Ms`) ? `, did you mean '${name}Ms'?` : '';
    throw new MillraceError('ERR_USAGE', `there is no socket option '${name}'${hint}`);
  }
  const numbers: Record<string, number> = {};
  for (const [name, standard] of Object.entries(DEFAULTS)) {
    const value = (options as Record<string, unknown>)[name] ?? standard;
    const least = UNBOUNDED.includes(name) ? -1 : 0;
    const most = name.endsWith('Ms') ? LONGEST_MS : Number.POSITIVE_INFINITY;
    if (typeof value !== 'number' || !(value >= least && value <= most))
      throw new MillraceError('ERR_USAGE', `${name}: ${String(value)} is out of range`);
    numbers[name] = value;
  }
  const routingId = Buffer.from(options.routingId ?? '');
  if (routingId.length > 255 || routingId[0] === 0) {
    throw new MillraceError('ERR_USAGE', 'routingId: up to 255 bytes that do not begin with a zero are needed');
  }
  const { plain, conflate } = options;
  if (conflate !== undefined && conflate !== 'last' && conflate !== 'topic')
    throw new MillraceError('ERR_USAGE', `conflate: 'last' or 'topic', not ${String(conflate)}`);
  if (plain !== undefined && !(typeof plain?.username === 'string' && typeof plain.password === 'string'))
    throw new MillraceError('ERR_USAGE', 'plain: username and password are needed, as text');
  if (plain !== undefined && (Buffer.byteLength(plain.username) > 255 || Buffer.byteLength(plain.password) > 255)) {
    throw new MillraceError('ERR_USAGE', 'plain: a name or password has 255 bytes at most');
  }
  return {
    ...(numbers as typeof DEFAULTS),
    routingId,
    plain,
    conflate,
    onFrame: options.onFrame,
    onOversized: options.onOversized,
    immediate: options.immediate ?? false,
    copyAccepted: options.copyAccepted ?? false,
  };
}
