import { RespClient } from './resp-client.js';
import { freePort, ServerProcess } from './server-process.js';

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** Starts it again on the same port with the same data. */
  start(): Promise<void>;
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  dispose(): Promise<void>;
}

/** A redis-server that appends each write to a file before it answers. */
export async function startRedisServer(overrides: Readonly<Record<string, string>> = {}): Promise<RedisServer> {
  const server = new ServerProcess('redis');
  const port = await freePort();
  const settings = {
    port,
    bind: '127.0.0.1',
    dir: server.folder,
    save: '',
    appendonly: 'yes',
    appendfsync: 'always',
    daemonize: 'no',
    ...overrides,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const start = (): Promise<void> =>
    server.start({ command: 'redis-server', args, ready: () => answersPing(port), readyTimeoutMs: 20_000 });
  await start();
  return { url: `redis://127.0.0.1:${port}`, port, start, stop: (signal) => server.stop(signal), dispose: () => server.dispose() };
}

async function answersPing(port: number): Promise<boolean> {
  const client = new RespClient(port);
  try {
    return String(await client.call('PING')) === 'PONG';
  } catch {
    return false;
  } finally {
    client.close();
  }
}
