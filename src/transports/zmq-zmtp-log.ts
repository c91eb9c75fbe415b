import { type Logger, RateLimiter, SILENT } from '../errors/logger.js';
import type { SocketEvents } from './zmtp/socket-events.js';

/** Tells where a socket listens, and, at a limited rate, of peers that are not what they should be. One that is away or goes is none of these. */
export function tellOfPeers(events: SocketEvents, log: Logger = SILENT): void {
  const limiter = new RateLimiter();
  events.on('bind', ({ address }) => log.info({ endpoint: address }, `listens on ${address}`));
  const lost = (what: string) => (event: { readonly address: string; readonly error?: Error & { readonly code: string } }) => {
    const { error, address } = event;
    if (!error || isOfTheStream(error.cause)) return;
    const suppressed = limiter.admit(`${what} ${error.code}`);
    if (suppressed >= 0) log.warn({ endpoint: address, code: error.code, suppressed }, `${what} at ${address}: ${error.message}`);
  };
  events.on('handshake:error', lost('no handshake with a peer'));
  events.on('disconnect', lost('cut off a peer'));
}

/** An error of the system: nobody listens, the peer's process ended. */
const isOfTheStream = (cause: unknown): boolean => typeof (cause as NodeJS.ErrnoException | undefined)?.errno === 'number';
