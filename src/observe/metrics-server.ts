import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { asMillraceError, MillraceError } from '../errors/errors.js';
import { METRICS_CONTENT_TYPE } from './metrics-text.js';

export interface MetricsServerOptions {
  /** 0 chooses a free port. */
  readonly port: number;
  readonly host?: string;
  /** The text of `/metrics`, in the Prometheus exposition format. */
  readonly text: () => string;
  /** `/ready` answers 503 until this returns true. */
  readonly ready: () => boolean;
}

const PLAIN = 'text/plain; charset=utf-8';

/** Serves `/metrics`, `/ready` and `/ping` over HTTP. It never keeps the process alive. */
export class MetricsServer {
  readonly #options: MetricsServerOptions;
  /** Clients, by address, whose answer is not fully written yet. */
  readonly #served = new Set<string>();
  #server: Server | undefined;

  constructor(options: MetricsServerOptions) {
    this.#options = options;
  }

  /** Resolves with the address that it listens on. Throws ERR_CONFIG_INVALID when it cannot bind the address. */
  async open(): Promise<{ host: string; port: number }> {
    if (this.#server) throw new MillraceError('ERR_STATE', 'the metrics server is already open');
    const { host = '127.0.0.1', port } = this.#options;
    const server = createServer((request, response) => this.#answer(request, response));
    // Scrapers are few and send little: a client that sends more or more slowly is disconnected.
    server.headersTimeout = 5_000;
    server.requestTimeout = 5_000;
    // A client that does not read its answer.
    server.setTimeout(5_000);
    server.maxConnections = 64;
    this.#server = server;
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, () => {
          server.off('error', reject);
          resolve();
        });
      });
    } catch (error) {
      this.#server = undefined;
      throw asMillraceError(error, 'ERR_CONFIG_INVALID', `metrics on ${host}:${port}`);
    }
    // A failed accept (no file descriptors left) must not end a run.
    server.on('error', () => undefined);
    server.unref();
    const address = server.address() as AddressInfo;
    return { host: address.address, port: address.port };
  }

  /** Ends all connections; may be called again. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  /**
   * One request per client at a time and one per connection: a client that sends many or reads nothing costs one
   * answer.
   */
  #answer(request: IncomingMessage, response: ServerResponse): void {
    const client = request.socket.remoteAddress ?? '';
    response.shouldKeepAlive = false;
    if (this.#served.has(client)) {
      response.setHeader('Retry-After', '1');
      send(response, 429, 'another request of this client is in progress\n');
      return;
    }
    this.#served.add(client);
    response.once('close', () => this.#served.delete(client));
    this.#route(request, response);
  }

  #route(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '/').split('?', 1)[0];
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      send(response, 405, 'method not allowed\n');
    } else if (path === '/ping') send(response, 200, 'pong\n');
    else if (path === '/ready') this.#options.ready() ? send(response, 200, 'ready\n') : send(response, 503, 'not ready\n');
    else if (path === '/metrics') this.#metrics(response);
    else send(response, 404, 'not found\n');
  }

  #metrics(response: ServerResponse): void {
    try {
      send(response, 200, this.#options.text(), METRICS_CONTENT_TYPE);
    } catch {
      // The client must not see the cause.
      send(response, 500, 'cannot read the metrics\n');
    }
  }
}

function send(response: ServerResponse, status: number, body: string, type = PLAIN): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': bytes.length, 'X-Content-Type-Options': 'nosniff' });
  // Node omits the body of an answer to HEAD.
  response.end(bytes);
}
