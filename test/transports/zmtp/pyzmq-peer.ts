import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { PYTHON } from '../../support/servers/require-server.js';

/** A part as pyzmq-peer.py makes it: text, or `length` bytes of which the i-th is (31 i + seed) mod 256. */
export type PartPlan = string | { readonly length: number; readonly seed: number };

export function makePart(plan: PartPlan): Buffer {
  if (typeof plan === 'string') return Buffer.from(plan, 'latin1');
  if (plan.length === 0) return Buffer.alloc(0);
  const period = Buffer.from(Array.from({ length: 256 }, (_, index) => (31 * index + plan.seed) & 255));
  return Buffer.alloc(plan.length, period);
}

/** Sockets of libzmq in a Python process. */
export class PyzmqPeer {
  readonly child: ChildProcess;
  readonly #waiting: { resolve(value: unknown): void; reject(error: Error): void }[] = [];

  constructor() {
    const script = fileURLToPath(new URL('./pyzmq-peer.py', import.meta.url));
    this.child = spawn(PYTHON, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.child.stdout! }).on('line', (line) => {
      const { ok, error } = JSON.parse(line) as { ok?: unknown; error?: string };
      const call = this.#waiting.shift()!;
      if (error === undefined) call.resolve(ok);
      else call.reject(new Error(error));
    });
    this.child.once('exit', () => {
      for (const call of this.#waiting.splice(0)) call.reject(new Error('the Python peer is gone'));
    });
  }

  ask<T = null>(action: string, request: Record<string, unknown> = {}): Promise<T> {
    return new Promise<unknown>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.child.stdin!.write(`${JSON.stringify({ action, ...request })}\n`);
    }) as Promise<T>;
  }

  async open(type: string, at: { bind?: string; connect?: string }, options: Record<string, unknown> = {}): Promise<PyzmqSocket> {
    const { socket, address } = await this.ask<{ socket: number; address: string }>('open', { type, options, ...at });
    return new PyzmqSocket(this, socket, address);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}

export class PyzmqSocket {
  constructor(
    private readonly peer: PyzmqPeer,
    private readonly socket: number,
    readonly address: string,
  ) {}

  send(parts: readonly PartPlan[]): Promise<null> {
    return this.peer.ask('send', { socket: this.socket, parts });
  }

  /** Receives a message, and throws when it is not the one that is expected. */
  async receive(expected: readonly PartPlan[]): Promise<void> {
    const difference = await this.peer.ask<string | null>('receive', { socket: this.socket, expected });
    if (difference !== null) throw new Error(`libzmq received ${difference}`);
  }

  poll(ms: number): Promise<boolean> {
    return this.peer.ask('poll', { socket: this.socket, ms });
  }

  sendNumbers(count: number): Promise<null> {
    return this.peer.ask('send_numbers', { socket: this.socket, count });
  }

  async receiveNumbers(count: number): Promise<void> {
    const difference = await this.peer.ask<string | null>('receive_numbers', { socket: this.socket, count });
    if (difference !== null) throw new Error(`libzmq received ${difference}`);
  }

  set(name: string, value: unknown): Promise<null> {
    return this.peer.ask('set', { socket: this.socket, name, value });
  }

  close(): Promise<null> {
    return this.peer.ask('close', { socket: this.socket });
  }
}
