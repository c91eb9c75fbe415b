import { type Logger, RateLimiter, SILENT } from '../errors/logger.js';
import type { SocketEvents } from './zmtp/socket-events.js';
import type { ZmtpSocket } from './zmtp/sockets/zmtp-socket.js';

/**
 * Logs where a socket listens and, at a limited rate, peers that break the protocol. An absent peer, a peer that
 * disconnects and an unknown host name do not count as such.
 */
export function tellOfPeers(events: SocketEvents, log: Logger = SILENT): void {
  const limiter = new RateLimiter();
  // It is looked up again at each attempt to connect.
  const names = new RateLimiter(60_000);
  events.on('bind', ({ address }) => log.info({ endpoint: address }, `listens on ${address}`));
  const lost = (what: string) => (event: { readonly address: string; readonly error?: Error & { readonly code: string } }) => {
    const { error, address } = event;
    if (!error || isOfTheStream(error.cause)) return;
    const suppressed = isOfTheName(error.cause) ? names.admit(address) : limiter.admit(`${what} ${error.code}`);
    if (suppressed >= 0) log.warn({ endpoint: address, code: error.code, suppressed }, `${what} at ${address}: ${error.message}`);
  };
  events.on('handshake:error', lost('no handshake with a peer'));
  events.on('disconnect', lost('cut off a peer'));
}

/** Where a socket waits for a peer: those that it connects to, and, where no peer is there at all, where it listens. Empty: it has all. */
export function waitingFor(socket: ZmtpSocket): readonly string[] {
  const { unreached, lastEndpoint } = socket;
  if (unreached.length > 0) return unreached;
  return lastEndpoint !== null && socket.stats().peers === 0 ? [lastEndpoint] : [];
}

/** A system error: no process listens, or the peer's process ended. */
const isOfTheStream = (cause: unknown): boolean =>
  typeof (cause as NodeJS.ErrnoException | undefined)?.errno === 'number' && !isOfTheName(cause);

const isOfTheName = (cause: unknown): boolean => (cause as NodeJS.ErrnoException | undefined)?.syscall === 'getaddrinfo';
