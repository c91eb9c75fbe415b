import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Of the ports below those that the system gives to clients. */
const RANGES = 6;
const PORTS = 2000;

/** A port of 127.0.0.1 that nobody listens on, below the range that the kernel gives to others. */
export async function freePort(): Promise<number> {
  // Files of tests that run at the same time draw from ranges of their own.
  const range = Number(process.env.VITEST_POOL_ID ?? 0) % RANGES;
  for (;;) {
    const port = 20_000 + range * PORTS + Math.floor(Math.random() * PORTS);
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Whether the server answers; asked again and again. `log` is what it has printed since this start. */
  ready(log: string): boolean | Promise<boolean>;
  readonly readyTimeoutMs: number;
}

/**
 * A real server in a temporary folder of its own. It leads its own process group, so that a Ctrl-C at the terminal does
 * not reach it before the tests have stopped it; should the test process end first, however it ends, the server is killed.
 */
export class ServerProcess {
  readonly folder: string;
  #child: ChildProcess | undefined;
  #guard: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();

  constructor(readonly name: string) {
    this.folder = mkdtempSync(join(tmpdir(), `millrace-${name}-`));
  }

  /** Starts the command and resolves when it is ready. Its data, if any, are those of the last run. */
  async start({ command, args, ready, readyTimeoutMs }: ServerCommand): Promise<void> {
    if (this.#child) throw new Error(`${this.name} is running`);
    const logPath = join(this.folder, 'log');
    const log = openSync(logPath, 'a');
    const from = statSync(logPath).size;
    const child = spawn(command, args, { cwd: this.folder, detached: true, stdio: ['ignore', log, log] });
    closeSync(log);
    child.unref();
    this.#child = child;
    if (child.pid !== undefined) this.#guard = guard(child.pid);
    let failure: Error | undefined;
    this.#exited = new Promise((resolve) => {
      child.once('error', (error) => {
        failure = error;
        resolve();
      });
      child.once('exit', () => resolve());
    });
    const deadline = Date.now() + readyTimeoutMs;
    for (;;) {
      const printed = readFileSync(logPath).subarray(from).toString();
      if (await ready(printed)) return;
      const ended = failure !== undefined || child.exitCode !== null || child.signalCode !== null;
      if (ended || Date.now() > deadline) {
        await this.stop('SIGKILL');
        throw new Error(`${this.name} ${ended ? 'ended' : 'was not ready in time'}: ${failure?.message ?? printed.slice(-2000)}`);
      }
      await delay(50);
    }
  }

  /** Resolves when the process is gone; after 30 s it is killed. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (!this.#child) return;
    this.#child.ref();
    this.#signal(signal);
    const timer = setTimeout(() => this.#signal('SIGKILL'), 30_000);
    await this.#exited;
    clearTimeout(timer);
    this.#guard?.kill('SIGKILL');
    this.#guard = undefined;
    this.#child = undefined;
  }

  /** Stops the server and removes its folder. */
  async dispose(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #signal(signal: NodeJS.Signals): void {
    const child = this.#child;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      process.kill(-child.pid, signal);
    } catch {
      // It was gone before us.
    }
  }
}

/** Kills the process group when the other end of its input, which is us, is gone: no exit handler runs in a killed process. */
function guard(group: number): ChildProcess {
  const child = spawn('sh', ['-c', 'cat >/dev/null; kill -s KILL -- "-$0"', String(group)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.unref();
  // A pipe of a child is a socket, which would keep the event loop alive.
  (child.stdin as Socket | null)?.unref();
  return child;
}
