/**
 * ZeroMQ through the `zeromq` addon: the only file that imports it. A thread that ends with a pending `receive()`
 * aborts the whole process, so code that opens a socket here must close it before the thread may end; `close()` settles
 * pending calls.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type * as Zmq from 'zeromq';
import { MillraceError } from '../errors/errors.js';
import { loadOptional } from './load-optional.js';
import { LONGEST_LINGER_MS, type ZmqReader, type ZmqReaderOptions, type ZmqWriter, type ZmqWriterOptions } from './zmq-driver.js';
import { endpointList, type ZmqOptions } from './zmq-options.js';

/** A part larger than this would make libzmq drop the peer; it only keeps a hostile length from being allocated. */
const MAX_PART_BYTES = 2 ** 30;
/** How much longer than its linger a socket may take to give up its messages. */
const RELEASE_MS = 1000;
const RELEASE_POLL_MS = 10;
/** How long after its close a socket may keep its address. */
const UNBIND_MS = 2000;
/** libzmq gets the address of longer parts and never says when it is done with them. */
const ZERO_COPY_ABOVE_BYTES = 128;
/** What may lie about, sent and not collected, beside what libzmq still holds. */
const COLLECT_EVERY_BYTES = 32 * 2 ** 20;

const load = (): Promise<typeof Zmq> => loadOptional<typeof Zmq>('zeromq');

/** The addon's names for the keys of `plain` and `curve`. */
function security({ plain, curve }: ZmqOptions): object {
  if (plain) return { plainUsername: plain.username, plainPassword: plain.password };
  if (!curve) return {};
  const { publicKey, secretKey, serverKey } = curve;
  return {
    ...(curve.server && { curveServer: true }),
    ...(publicKey !== undefined && { curvePublicKey: publicKey }),
    ...(serverKey !== undefined && { curveServerKey: serverKey }),
    curveSecretKey: secretKey,
  };
}

/** Gives back the addresses that the socket listens on. */
async function attach(socket: Zmq.Socket, options: ZmqReaderOptions | ZmqWriterOptions): Promise<string[]> {
  let endpoint = '';
  const bound: string[] = [];
  try {
    for (endpoint of endpointList(options.bind)) {
      await socket.bind(endpoint);
      bound.push(socket.lastEndpoint ?? endpoint);
      options.log?.info({ endpoint: socket.lastEndpoint }, `listens on ${socket.lastEndpoint}`);
    }
    for (endpoint of endpointList(options.connect)) socket.connect(endpoint);
    return bound;
  } catch (thrown) {
    socket.close();
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    throw new Error(`${endpoint}: ${text}`, { cause: thrown });
  }
}

/**
 * Resolves when the addresses of a closed socket are free again. The I/O thread of libzmq closes them some time after the
 * addon's `close()`, and the addon does not report it.
 */
async function unbound(endpoints: readonly string[]): Promise<void> {
  const until = performance.now() + UNBIND_MS;
  for (const endpoint of endpoints) {
    const [, host, port] = /^tcp:\/\/\[?([^\]]+?)\]?:(\d+)$/.exec(endpoint) ?? [];
    while (host !== undefined && (await isTaken(host, Number(port))) && performance.now() < until) await sleep(RELEASE_POLL_MS);
  }
}

async function isTaken(host: string, port: number): Promise<boolean> {
  const probe = createServer((stream) => stream.destroy());
  try {
    probe.listen({ host, port, exclusive: true });
    await once(probe, 'listening');
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EADDRINUSE';
  }
  await new Promise((resolve) => probe.close(resolve));
  return false;
}

const isTimeout = (thrown: unknown): boolean => (thrown as { code?: unknown } | undefined)?.code === 'EAGAIN';

/** @throws ERR_OPTIONAL_MISSING, ERR_SOURCE when an endpoint is not to be had. */
export async function openLibzmqReader(options: ZmqReaderOptions): Promise<ZmqReader> {
  const zmq = await load();
  const settings = {
    receiveHighWaterMark: options.highWaterMark,
    maxMessageSize: Math.min(MAX_PART_BYTES, options.maxMessageBytes ?? MAX_PART_BYTES),
    linger: 0,
    ...security(options),
  };
  const socket = options.socket === 'sub' ? new zmq.Subscriber(settings) : new zmq.Pull(settings);
  // Without an argument it subscribes to everything; an empty list in the options means the same.
  if (socket instanceof zmq.Subscriber) socket.subscribe(...(options.subscribe ?? []));
  let bound: string[];
  try {
    bound = await attach(socket, options);
  } catch (thrown) {
    throw new MillraceError('ERR_SOURCE', (thrown as Error).message, { cause: thrown });
  }
  return {
    waitAtMost: (timeoutMs) => {
      if (!socket.closed) socket.receiveTimeout = timeoutMs;
    },
    take: () => undefined,
    receive: async () => {
      if (socket.closed) return undefined;
      try {
        return await socket.receive();
      } catch (thrown) {
        if (socket.closed || isTimeout(thrown)) return undefined;
        throw thrown;
      }
    },
    waitsFor: () => undefined,
    resumeFrames: () => {},
    close: async () => {
      if (socket.closed) return;
      socket.close();
      await unbound(bound);
    },
  };
}

/** @throws ERR_OPTIONAL_MISSING, ERR_SINK when an endpoint is not to be had. */
export async function openLibzmqWriter(options: ZmqWriterOptions): Promise<ZmqWriter> {
  const zmq = await load();
  const lingerMs = options.lingerMs < 0 ? LONGEST_LINGER_MS : options.lingerMs;
  const settings = { sendHighWaterMark: options.highWaterMark, linger: lingerMs, immediate: options.immediate, ...security(options) };
  const copies = new SentCopies();
  const socket = options.socket === 'pub' ? new zmq.Publisher(settings) : new zmq.Push(settings);
  let bound: string[];
  try {
    bound = await attach(socket, options);
  } catch (thrown) {
    throw new MillraceError('ERR_SINK', (thrown as Error).message, { cause: thrown });
  }
  return {
    knowsFates: false,
    idle: true,
    peerCounts: () => [],
    waitsFor: () => undefined,
    inPlaceFromBytes: Number.POSITIVE_INFINITY,
    send: async (parts, released) => {
      try {
        if (socket.closed) return false;
        if (copies.areMany) await copies.collect();
        if (socket.closed) return false;
        await socket.send(parts.map((part) => copies.own(part)));
        return true;
      } catch (thrown) {
        if (socket.closed) return false;
        throw thrown;
      } finally {
        released?.();
      }
    },
    close: (lingerMs) => {
      if (socket.closed) return;
      if (lingerMs !== undefined) socket.linger = lingerMs;
      socket.close();
    },
    released: async () => {
      await copies.released((options.lingerMs < 0 ? LONGEST_LINGER_MS : options.lingerMs) + RELEASE_MS);
      await unbound(bound);
    },
  };
}

/**
 * The copies that libzmq sends from. The addon says nowhere when it has let one go, and frees them all when the thread
 * ends, whether its own I/O thread still reads them or not. The collector knows: a copy that it can collect is free.
 */
class SentCopies {
  #heldBytes = 0;
  #sinceCollectBytes = 0;
  #collect: (() => void) | undefined;
  readonly #registry = new FinalizationRegistry<number>((lengthBytes) => {
    this.#heldBytes -= lengthBytes;
  });

  /** The addon copies short parts during the call; longer ones get a copy that no other code writes to. */
  own(part: Uint8Array | string): Buffer | string {
    if (typeof part === 'string') return part;
    if (part.byteLength <= ZERO_COPY_ABOVE_BYTES) return Buffer.from(part.buffer, part.byteOffset, part.byteLength);
    const copy = Buffer.from(part);
    this.#heldBytes += copy.length;
    this.#sinceCollectBytes += copy.length;
    this.#registry.register(copy, copy.length);
    return copy;
  }

  /** By itself the collector comes when hundreds of megabytes are free, since the heap proper hardly grows. */
  get areMany(): boolean {
    return this.#heldBytes > COLLECT_EVERY_BYTES && this.#sinceCollectBytes > Math.max(COLLECT_EVERY_BYTES, this.#heldBytes / 2);
  }

  /** The addon lets go of what libzmq has sent in a turn of the event loop, and only then is it free. */
  async collect(): Promise<void> {
    this.#sinceCollectBytes = 0;
    await nextTurn();
    this.#collectNow();
    await nextTurn();
  }

  #collectNow(): void {
    if (!this.#collect) {
      setFlagsFromString('--expose-gc');
      this.#collect = runInNewContext('gc') as () => void;
    }
    this.#collect();
  }

  async released(patienceMs: number): Promise<void> {
    const until = performance.now() + patienceMs;
    while (this.#heldBytes > 0 && performance.now() < until) {
      this.#collectNow();
      await sleep(RELEASE_POLL_MS);
    }
  }
}
