/**
 * Redis by `ioredis`: the only file that imports it. One connection, never resumed: what happens to commands that were
 * under way when a connection breaks is the caller's to decide (ioredis would send an XADD again, or never settle it).
 */
import { MillraceError } from '../errors/errors.js';
import { loadOptional } from './load-optional.js';

export type RedisArgument = string | Uint8Array;

/** The server answered, and the answer is an error: `code` is its first word, such as WRONGTYPE. */
export class RedisReplyError extends Error {
  override readonly name = 'RedisReplyError';
  readonly isAnswer = true;
  get code(): string {
    return this.message.split(' ', 1)[0] ?? '';
  }
}

export interface RedisConnection {
  readonly open: boolean;
  /** @throws RedisReplyError for an error of the server; anything else means that the fate of the command is unknown. */
  call(command: string, ...args: readonly RedisArgument[]): Promise<unknown>;
  /** Sends all in one go and returns their replies in order, each a value, a RedisReplyError, or another Error (fate unknown). */
  pipeline(commands: readonly (readonly [string, ...RedisArgument[]])[]): Promise<(unknown | Error)[]>;
  /** Drops the connection without sending queued data: afterwards no argument is read any more. */
  destroy(): void;
}

export interface RedisConnectOptions {
  readonly connectTimeoutMs: number;
  /** Longest wait for a reply; the connection counts as broken then. */
  readonly replyTimeoutMs: number;
  /** Drops the connection, also one that is being made. */
  readonly signal: AbortSignal;
  /** Certificates (PEM) of the authorities that the server may be signed by; absent: those of Node. Only with `rediss:`. */
  readonly ca?: string | undefined;
}

const ownArgument = (argument: RedisArgument): string | Buffer =>
  typeof argument === 'string' ? argument : Buffer.from(argument.buffer, argument.byteOffset, argument.byteLength);

const asReply = (thrown: unknown): Error => {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  return error.name === 'ReplyError' ? new RedisReplyError(error.message, { cause: error }) : error;
};

/** @throws ERR_OPTIONAL_MISSING, RedisReplyError (login refused), or the error of the socket. */
export async function connectRedis(url: string, options: RedisConnectOptions): Promise<RedisConnection> {
  const { Redis } = await loadOptional<typeof import('ioredis')>('ioredis');
  // ioredis would let `rediss:` go before the options of TLS.
  const own = options.ca !== undefined;
  const client = new Redis(own ? url.replace(/^rediss:/, 'redis:') : url, {
    ...(own && { tls: { ca: options.ca } }),
    lazyConnect: true,
    // Without a retry strategy a broken connection rejects pending commands and stays down.
    retryStrategy: () => null,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: null,
    connectTimeout: options.connectTimeoutMs,
  });
  let cause: Error | undefined;
  client.on('error', (error: Error) => {
    cause = error;
  });
  const destroy = (): void => {
    // `disconnect` alone would let the socket send its remaining data.
    client.stream?.destroy();
    client.disconnect();
    options.signal.removeEventListener('abort', destroy);
  };
  options.signal.addEventListener('abort', destroy, { once: true });
  try {
    options.signal.throwIfAborted();
    await client.connect();
  } catch (thrown) {
    destroy();
    throw asReply(cause ?? thrown);
  }
  const inTime = async <T>(work: Promise<T>): Promise<T> => {
    const timer = setTimeout(() => {
      cause = new Error(`no reply within ${options.replyTimeoutMs} ms`);
      destroy();
    }, options.replyTimeoutMs);
    try {
      return await work;
    } catch (thrown) {
      const error = asReply(thrown);
      throw error instanceof RedisReplyError ? error : (cause ?? error);
    } finally {
      clearTimeout(timer);
    }
  };
  return {
    get open() {
      return client.status === 'ready';
    },
    call: (command, ...args) => inTime(client.call(command, ...args.map(ownArgument))),
    pipeline: async (commands) => {
      const pipeline = client.pipeline();
      for (const [command, ...args] of commands) pipeline.call(command, ...args.map(ownArgument));
      const replies = await inTime(pipeline.exec());
      return (replies ?? []).map(([error, value]) => (error ? asReply(error) : value));
    },
    destroy,
  };
}

/** @throws ERR_CONFIG_INVALID for an address that is not one of Redis. */
export function checkRedisUrl(url: string): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !['redis:', 'rediss:'].includes(parsed.protocol)) {
    // The text itself may hold a password.
    throw new MillraceError('ERR_CONFIG_INVALID', 'redis: url must look like redis://host:6379/0 or rediss://...', {
      place: { path: 'url' },
    });
  }
}
