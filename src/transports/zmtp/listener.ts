import { lstat, rm } from 'node:fs/promises';
import net from 'node:net';
import { MillraceError } from '../../errors/errors.js';
import { connectOptions, type Endpoint, formatEndpoint, formatTcp, listenOptions } from './endpoint.js';

/** A bound endpoint: passes on the sockets that it accepts, from which nothing was read. */
export class Listener {
  /** With the port or path that replaced a wildcard. */
  address = '';
  readonly #server: net.Server;

  constructor(
    private readonly endpoint: Endpoint,
    maxPeers: number,
    accept: (socket: net.Socket, listener: Listener) => void,
  ) {
    this.#server = net.createServer({ pauseOnConnect: true }, (socket) => accept(socket, this));
    this.maxPeers = maxPeers;
  }

  readonly maxPeers: number;
  /** Counted by the socket, since the server forgets a stream once it is passed on. */
  peers = 0;

  /** @throws ERR_ADDRESS */
  async listen(): Promise<void> {
    try {
      await this.#listenOnce();
    } catch (error) {
      if (!(await this.#removeStale(error))) throw this.#refused(error);
      await this.#listenOnce().catch((again: unknown) => {
        throw this.#refused(again);
      });
    }
    const bound = this.#server.address();
    if (bound !== null && typeof bound === 'object') this.address = formatTcp(bound.address, bound.port);
    else this.address = formatEndpoint(this.endpoint);
  }

  /** The address is free when this returns. Streams that were accepted stay, so the server's own end is not waited for. */
  close(): void {
    if (this.#server.listening) this.#server.close();
  }

  #listenOnce(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(listenOptions(this.endpoint), () => {
        this.#server.off('error', reject);
        // Accepting may fail later, for want of descriptors; the connecting side tries again.
        this.#server.on('error', () => {});
        resolve();
      });
    });
  }

  /** The file of a Unix socket outlives a killed process: it is removed when no process answers at it. */
  async #removeStale(error: unknown): Promise<boolean> {
    const { endpoint } = this;
    if (endpoint.kind !== 'ipc' || endpoint.path.startsWith('\0') || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') return false;
    const alone = await new Promise<boolean>((resolve) => {
      const probe = net.connect(connectOptions(endpoint));
      probe.once('connect', () => {
        probe.destroy();
        resolve(false);
      });
      probe.once('error', (reason: NodeJS.ErrnoException) => resolve(reason.code === 'ECONNREFUSED'));
    });
    // Connecting to a file that is not a socket is refused in the same way, and that file may be in use.
    if (!alone || !(await isSocket(endpoint.path))) return false;
    await rm(endpoint.path, { force: true });
    return true;
  }

  #refused(cause: unknown): MillraceError {
    const text = cause instanceof Error ? cause.message : String(cause);
    return new MillraceError('ERR_ADDRESS', `cannot bind ${formatEndpoint(this.endpoint)}: ${text}`, { cause });
  }
}

async function isSocket(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSocket();
  } catch {
    // Already removed.
    return false;
  }
}
