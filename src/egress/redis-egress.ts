import { MillraceError } from '../errors/errors.js';
import type { Frame } from '../frame/frame.js';
import { checkRedisUrl, connectRedis, type RedisArgument, type RedisConnection, RedisReplyError } from '../transports/redis.js';
import { REDIS_ADDRESS } from '../transports/relay-address.js';
import type { Delivery, Egress, EgressContext, EgressDefinition } from './egress.js';
import { encodeFrames, type RefusedFrame } from './encode-frames.js';
import { Outage } from './outage.js';
import { StreamIds } from './stream-ids.js';
import { checkTls, readTls, TLS_SCHEMA, type TlsOptions } from './tls-options.js';

export interface RedisEgressOptions {
  readonly url?: string;
  readonly stream?: string;
  readonly channel?: string;
  readonly maxlen?: number;
  readonly tls?: TlsOptions;
  readonly openTimeoutMs?: number;
  readonly replyTimeoutMs?: number;
}

interface Entry {
  readonly fields: readonly RedisArgument[];
  readonly lengthBytes: number;
  id: string;
}

/** The result of one call: this number of leading entries is written; `problem` is why it stopped there. */
interface Outcome {
  readonly done: number;
  readonly repeats: number;
  readonly problem?: Error;
}

const DEFAULT_URL = 'redis://127.0.0.1:6379';
/** Redis takes no longer argument unless configured. */
const MAX_ARGUMENT_BYTES = 512 * 2 ** 20;
/** The server holds the arguments of a script call twice in memory. */
const MAX_CALL_BYTES = 16 * 2 ** 20;
/** Errors that may end with time. */
const PASSING = new Set(['OOM', 'LOADING', 'MISCONF', 'READONLY', 'BUSY', 'CLUSTERDOWN', 'MASTERDOWN', 'NOREPLICAS', 'TRYAGAIN']);
/** Message of Redis: "The ID specified in XADD is equal or smaller than the target stream top item". */
const NOT_ABOVE = 'equal or smaller';

/**
 * Adds entries in order and stops at the first failure, atomically: a plain pipeline would continue after an error and
 * so change the order. An existing id counts as a repeat only if it has the same content. KEYS[1] stream; ARGV: "1" if
 * this call may be a repeat, maxlen or "", then per entry id, number of arguments, arguments. Returns {entries done,
 * repeats among them, error or ""}.
 */
const ADD_SCRIPT = `
local at, done, repeats = 3, 0, 0
while at <= #ARGV do
  local id, count = ARGV[at], tonumber(ARGV[at + 1])
  local command = {'XADD', KEYS[1]}
  if ARGV[2] ~= '' then command[3] = 'MAXLEN'; command[4] = '~'; command[5] = ARGV[2] end
  command[#command + 1] = id
  for i = at + 2, at + 1 + count do command[#command + 1] = ARGV[i] end
  local reply = redis.pcall(unpack(command))
  if type(reply) == 'table' and reply.err then
    if ARGV[1] ~= '1' or not string.find(reply.err, '${NOT_ABOVE}', 1, true) then return {done, repeats, reply.err} end
    local there = redis.call('XRANGE', KEYS[1], id, id)[1]
    for i = 1, count do
      if not there or there[2][i] ~= ARGV[at + 1 + i] then return {done, repeats, reply.err} end
    end
    repeats = repeats + 1
  end
  done = done + 1
  at = at + 2 + count
end
return {done, repeats, ''}`;

/**
 * Frames as entries of a Redis stream (XADD, fields `meta` and `data`), or as messages of a channel (PUBLISH; the JSON
 * part, one newline, the bytes). A codec of one part uses the field `data` alone, or that part as the message.
 *
 * Delivered means: acknowledged by the server; what it keeps after a crash depends on its `appendonly`. Millrace gives
 * each entry an id that increases, also across restarts. After a lost connection the same entries are sent with the
 * same ids, so that none is written twice; those that the server already had count as redelivered. A repeated PUBLISH
 * cannot be detected.
 */
class RedisEgress implements Egress {
  readonly #options: RedisEgressOptions;
  readonly #context: EgressContext;
  readonly #outage: Outage;
  readonly #ids = new StreamIds();
  #connection: RedisConnection | undefined;

  constructor(options: RedisEgressOptions, context: EgressContext) {
    this.#options = options;
    this.#context = context;
    this.#outage = new Outage(context, [new URL(options.url ?? DEFAULT_URL).host]);
  }

  async open(): Promise<void> {
    try {
      await this.#outage.until(() => this.#connected(), this.#options.openTimeoutMs ?? 10_000, isLasting);
    } catch (thrown) {
      throw this.#failure(thrown);
    }
  }

  async write(frames: readonly Frame[]): Promise<Delivery | undefined> {
    const { encoded, refused } = encodeFrames(this.#context.codec, frames);
    const entries: Entry[] = [];
    for (const { index, parts } of encoded) {
      const problem = this.#problem(parts, frames[index]!);
      if (problem) refused.push({ index, ...problem });
      else entries.push(this.#entry(parts));
    }
    let redelivered = 0;
    for (let from = 0; from < entries.length; ) {
      let lengthBytes = 0;
      let to = from;
      do lengthBytes += entries[to++]!.lengthBytes;
      while (to < entries.length && lengthBytes + entries[to]!.lengthBytes <= MAX_CALL_BYTES);
      redelivered += await this.#deliver(entries.slice(from, to));
      from = to;
    }
    if (refused.length === 0 && redelivered === 0) return undefined;
    return { refused, redelivered };
  }

  async close(): Promise<void> {
    this.#connection?.destroy();
    this.#connection = undefined;
  }

  /** Retries until all entries are acknowledged; returns how many the server already had. */
  async #deliver(entries: Entry[]): Promise<number> {
    let redelivered = 0;
    let rest = entries;
    let mayRepeat = false;
    while (rest.length > 0) {
      const attemptAt = performance.now();
      try {
        const connection = await this.#connected();
        const outcome: Outcome = await (this.#options.stream === undefined
          ? this.#publish(connection, rest)
          : this.#add(connection, rest, mayRepeat));
        redelivered += outcome.repeats;
        rest = rest.slice(outcome.done);
        if (!outcome.problem) {
          this.#outage.over();
        } else if (outcome.problem.message.includes(NOT_ABOVE)) {
          await this.#renumber(connection, rest);
          mayRepeat = false;
        } else {
          throw outcome.problem;
        }
      } catch (thrown) {
        if (isLasting(thrown)) throw this.#failure(thrown);
        // Without an answer it is unknown whether the entries were written.
        mayRepeat = true;
        // After a demotion, the name may resolve to another server.
        this.#connection?.destroy();
        await this.#outage.failed(attemptAt, thrown);
      }
    }
    return redelivered;
  }

  async #add(
    connection: RedisConnection,
    entries: readonly Entry[],
    mayRepeat: boolean,
  ): Promise<{ done: number; repeats: number; problem?: Error }> {
    const { stream = '', maxlen } = this.#options;
    const args: RedisArgument[] = [mayRepeat ? '1' : '0', maxlen === undefined ? '' : String(maxlen)];
    for (const { id, fields } of entries) args.push(id, String(fields.length), ...fields);
    const reply = await connection.call('EVAL', ADD_SCRIPT, '1', stream, ...args);
    const [done, repeats, error] = reply as [number, number, string];
    return { done, repeats, ...(error !== '' && { problem: new RedisReplyError(error) }) };
  }

  async #publish(connection: RedisConnection, entries: readonly Entry[]): Promise<Outcome> {
    const { channel = '' } = this.#options;
    const replies = await connection.pipeline(entries.map(({ fields }) => ['PUBLISH', channel, fields[0]!]));
    const failed = replies.findIndex((reply) => reply instanceof Error);
    return failed < 0 ? { done: replies.length, repeats: 0 } : { done: failed, repeats: 0, problem: replies[failed] as Error };
  }

  /** Another client writes to the stream: our entries go above its current last id, in order. */
  async #renumber(connection: RedisConnection, entries: readonly Entry[]): Promise<void> {
    this.#context.log.warn(
      { sink: this.#context.name, stream: this.#options.stream },
      `another client writes to the stream ${this.#options.stream}`,
    );
    await this.#raiseIds(connection);
    for (const entry of entries) entry.id = this.#ids.next();
  }

  async #raiseIds(connection: RedisConnection): Promise<void> {
    const { stream = '' } = this.#options;
    // Unlike the last entry, the last id survives XDEL and XTRIM.
    const info = await connection.call('XINFO', 'STREAM', stream).catch((thrown: unknown) => {
      if (thrown instanceof RedisReplyError && thrown.message.includes('no such key')) return [];
      throw thrown;
    });
    const at = Array.isArray(info) ? info.indexOf('last-generated-id') : -1;
    if (at >= 0) this.#ids.raise(String((info as unknown[])[at + 1]));
  }

  async #connected(): Promise<RedisConnection> {
    if (this.#connection?.open) return this.#connection;
    this.#connection?.destroy();
    const { url = DEFAULT_URL, stream, replyTimeoutMs = 30_000 } = this.#options;
    const { signal, baseDir } = this.#context;
    const { ca } = readTls(this.#options.tls, baseDir);
    const connection = await connectRedis(url, { connectTimeoutMs: 5000, replyTimeoutMs, signal, ca });
    this.#connection = connection;
    if (stream !== undefined) await this.#raiseIds(connection);
    return connection;
  }

  #entry(parts: readonly Uint8Array[]): Entry {
    const [first, second] = parts as [Uint8Array, Uint8Array | undefined];
    const lengthBytes = first.byteLength + (second?.byteLength ?? 0);
    if (this.#options.stream !== undefined) {
      return { fields: second ? ['meta', first, 'data', second] : ['data', first], lengthBytes, id: this.#ids.next() };
    }
    return { fields: [second ? Buffer.concat([first, Buffer.from('\n'), second]) : first], lengthBytes, id: '' };
  }

  #problem(parts: readonly Uint8Array[], frame: Frame): Omit<RefusedFrame, 'index'> | undefined {
    const which = `frame ${frame.ordinal} of ${frame.source}`;
    if (parts.length !== 1 && parts.length !== 2) {
      return {
        reason: 'encode-failed',
        detail: `${which}: the codec ${this.#context.codec.name} produces ${parts.length} parts, but redis takes 1 or 2`,
      };
    }
    let lengthBytes = 1;
    for (const part of parts) lengthBytes += part.byteLength;
    if (lengthBytes <= MAX_ARGUMENT_BYTES) return undefined;
    return { reason: 'sink-too-large', detail: `${which}: ${lengthBytes} bytes exceed the limit of Redis, 512 MiB (proto-max-bulk-len)` };
  }

  #failure(thrown: unknown): MillraceError {
    if (thrown instanceof MillraceError) return thrown;
    let text = thrown instanceof Error ? thrown.message : String(thrown);
    if (thrown instanceof RedisReplyError && thrown.code === 'WRONGTYPE')
      text = `the key '${this.#options.stream}' is not a stream (${text}): choose another stream, or delete the key`;
    return new MillraceError('ERR_SINK', `sink ${this.#context.name}: ${text}`, { cause: thrown });
  }
}

const isLasting = (thrown: unknown): boolean =>
  thrown instanceof MillraceError || (thrown instanceof RedisReplyError && !PASSING.has(thrown.code));

export const redisEgress: EgressDefinition<RedisEgressOptions> = {
  type: 'redis',
  address: REDIS_ADDRESS,
  clients: ['ioredis'],
  description: 'Adds frames to a Redis stream, or publishes them on a Redis channel.',
  docs: {
    text: '[Login, TLS and outages](../pipeline.md#kafka-and-redis-login-tls-and-outages) describes what happens when the server is lost.',
    example: `version: 1
sources:
  detector: { type: sim, pattern: spots, shape: [64, 64], frames: 4 }
sinks:
  stream: { type: redis, from: detector, url: "redis://127.0.0.1:6379", stream: frames }`,
    run: 'The example needs a Redis server',
    errors: {
      ERR_CONFIG_INVALID: 'the URL is wrong, `tls` is set for a URL without `rediss://`, or `maxlen` is set without `stream`',
      ERR_CONFIG_FILE: 'the file of `tls.ca` is missing or has no certificate',
      ERR_SINK: 'the server is not reachable within `openTimeoutMs`, or refuses an entry',
    },
  },
  usesCodec: true,
  restarts: true,
  batch: 64,
  options: {
    type: 'object',
    additionalProperties: false,
    oneOf: [{ required: ['stream'] }, { required: ['channel'] }],
    properties: {
      url: {
        type: 'string',
        minLength: 1,
        default: DEFAULT_URL,
        description: '`redis://user:password@host:port/db`; `rediss://` for TLS',
      },
      stream: { type: 'string', minLength: 1, description: 'name of the stream (XADD); set `stream` or `channel`' },
      channel: { type: 'string', minLength: 1, description: 'name of the channel (PUBLISH)' },
      tls: TLS_SCHEMA,
      maxlen: { type: 'integer', minimum: 1, description: 'for `stream`: approximate number of entries to keep; default: all' },
      openTimeoutMs: { type: 'integer', minimum: 0, default: 10_000, description: 'longest time to reach the server at the start' },
      replyTimeoutMs: {
        type: 'integer',
        minimum: 100,
        maximum: 2 ** 31 - 1,
        default: 30_000,
        description: 'time without a reply after which the connection is treated as broken',
      },
    },
  },
  check: (options, { baseDir }) => {
    if (options.url !== undefined) checkRedisUrl(options.url);
    if (options.tls !== undefined && !options.url?.startsWith('rediss:'))
      throw new MillraceError('ERR_CONFIG_INVALID', 'redis: tls needs a url that begins with rediss://', { place: { path: 'tls' } });
    checkTls('redis', options.tls, baseDir);
    if (options.maxlen !== undefined && options.stream === undefined) {
      throw new MillraceError('ERR_CONFIG_INVALID', 'redis: maxlen needs stream', { place: { path: 'maxlen' } });
    }
  },
  create: (options, context) => new RedisEgress(options, context),
};
