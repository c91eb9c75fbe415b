import { lstat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { asMillraceError, MillraceError } from '../errors/errors.js';
import type { Pipeline } from '../run/pipeline.js';
import { answerRequest } from './answer-request.js';
import { DETOUR_CHARACTERS, listenPrivately } from './listen-privately.js';
import { Patience } from './patience.js';
import { openPrivateFolder } from './private-folder.js';

export interface ControlServerOptions {
  /** Path of the socket; its folder is created if missing. */
  readonly path: string;
  /** The answer to `status`. */
  readonly version?: string;
  /**
   * How long a client may take for its next request, or to read an answer, before it is disconnected. Default: 30 000.
   */
  readonly idleMs?: number;
}

/** sun_path has 108 bytes on Linux and 104 on macOS, including the terminating 0. */
const MAX_PATH_BYTES = process.platform === 'linux' ? 107 : 103;
const MAX_LINE_BYTES = 1 << 20;
const MAX_CLIENTS = 32;
/** How long a client may take to read its last answers or the refusal. */
const CLOSE_MS = 500;
const IDLE_MS = 30_000;

/** Serves the control protocol (docs/reference/control.md) on a Unix socket that only this user may open. */
export class ControlServer implements AsyncDisposable {
  readonly #pipeline: Pipeline;
  readonly #options: ControlServerOptions;
  readonly #clients = new Set<Socket>();
  #server: Server | undefined;

  constructor(pipeline: Pipeline, options: ControlServerOptions) {
    this.#pipeline = pipeline;
    this.#options = options;
  }

  /** ERR_USAGE: the path is too long. ERR_STATE: another process serves it already, or its folder cannot be trusted. */
  async open(): Promise<void> {
    const { path } = this.#options;
    if (Math.max(Buffer.byteLength(path), Buffer.byteLength(dirname(path)) + DETOUR_CHARACTERS) > MAX_PATH_BYTES)
      throw new MillraceError('ERR_USAGE', `the path of a socket can have at most ${MAX_PATH_BYTES} bytes: ${path}`);
    if (this.#server) throw new MillraceError('ERR_STATE', 'the control server is already open');
    await openPrivateFolder(dirname(path));
    await removeStale(path);
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#serve(socket));
    server.maxConnections = MAX_CLIENTS;
    try {
      await listenPrivately(server, path);
    } catch (error) {
      throw asMillraceError(error, 'ERR_STATE', `cannot serve ${path}`);
    }
    server.on('error', () => {}); // An error of one connection that could not be accepted.
    this.#server = server;
  }

  /** Ends all connections after the answers that were written, and removes the socket. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    await unlink(this.#options.path).catch(() => {}); // Another process may have removed it.
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.#clients) socket.destroySoon();
    const timer = setTimeout(() => {
      for (const socket of this.#clients) socket.destroy();
    }, CLOSE_MS);
    await closed;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #serve(socket: Socket): void {
    this.#clients.add(socket);
    socket.on('error', () => {}); // The client is gone.
    const patience = new Patience(this.#options.idleMs ?? IDLE_MS, () => socket.destroy());
    socket.on('close', () => {
      patience.end();
      this.#clients.delete(socket);
    });
    patience.begin();
    void this.#converse(socket, patience).catch(() => socket.destroy());
  }

  /**
   * One request after another: nothing more is read until the answer is written. The client's time runs except while
   * its request is being processed: neither an endless line nor an unread answer extends it.
   */
  async #converse(socket: Socket, patience: Patience): Promise<void> {
    let parts: Buffer[] = [];
    let lengthBytes = 0;
    let isRefused = false;
    for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      // Reads and discards further input: closing with unread bytes would reset the connection of a client that is
      // still reading its answer.
      if (isRefused) continue;
      let from = 0;
      for (let end = chunk.indexOf(10); ; end = chunk.indexOf(10, from)) {
        const part = chunk.subarray(from, end < 0 ? chunk.length : end);
        lengthBytes += part.length;
        if (lengthBytes > MAX_LINE_BYTES) {
          const error = { code: 'ERR_USAGE', message: `a line can have at most ${MAX_LINE_BYTES} bytes` };
          socket.end(`${JSON.stringify({ id: null, ok: false, error })}\n`);
          setTimeout(() => socket.destroy(), CLOSE_MS);
          parts = [];
          isRefused = true;
          break;
        }
        parts.push(part);
        if (end < 0) break;
        from = end + 1;
        const line = Buffer.concat(parts).toString('utf8');
        parts = [];
        lengthBytes = 0;
        patience.end();
        const answer = `${JSON.stringify(await this.#answer(line))}\n`;
        if (socket.destroyed) return;
        patience.begin();
        if (!socket.write(answer)) await drained(socket);
        if (socket.destroyed) return;
      }
    }
    socket.end(); // It may have closed only its sending end, and still read the answer.
  }

  async #answer(line: string): Promise<object> {
    let id: unknown = null;
    try {
      const request = parse(line);
      if (typeof request.id === 'string' || typeof request.id === 'number') id = request.id;
      return { id, ok: true, ...(await answerRequest(this.#pipeline, request, this.#options.version ?? 'unknown')) };
    } catch (thrown) {
      const { code, message } = asMillraceError(thrown, 'ERR_STATE');
      return { id, ok: false, error: { code, message } };
    }
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}

function parse(line: string): Readonly<Record<string, unknown>> {
  let request: unknown;
  try {
    request = JSON.parse(line);
  } catch {
    throw new MillraceError('ERR_USAGE', 'a request must be one line of JSON');
  }
  if (typeof request !== 'object' || request === null || Array.isArray(request))
    throw new MillraceError('ERR_USAGE', 'a request must be an object');
  return request as Record<string, unknown>;
}

/** Removes a socket without a listener; throws ERR_STATE when a process listens. */
async function removeStale(path: string): Promise<void> {
  const code = await new Promise<string | undefined>((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(undefined);
    });
    probe.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
  });
  if (code === undefined) throw new MillraceError('ERR_STATE', `another process listens at ${path}`);
  // A plain file refuses connections too; it is not ours to remove.
  if (code === 'ECONNREFUSED' && (await lstat(path)).isSocket()) await unlink(path);
}
