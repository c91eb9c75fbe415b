import type { MessagePort } from 'node:worker_threads';
import { asMillraceError } from '../errors/errors.js';
import { type Logger, RateLimiter } from '../errors/logger.js';
import type { FromThread, LogLevel, ThreadError } from './thread-messages.js';

/** A thread's end of the line to the main thread. */
export class ThreadPort {
  readonly #port: MessagePort;
  readonly log: Logger;

  constructor(port: MessagePort) {
    this.#port = port;
    // A line that says the same for every frame must not become a load of its own.
    const limiter = new RateLimiter();
    const send = (level: LogLevel) => (fields: object, message: string) => {
      const suppressed = limiter.admit(`${level} ${message}`);
      if (suppressed >= 0) this.say({ kind: 'log', level, fields: suppressed > 0 ? { ...fields, suppressed } : fields, message });
    };
    this.log = { debug: send('debug'), info: send('info'), warn: send('warn'), error: send('error') };
  }

  say(message: FromThread): void {
    this.#port.postMessage(message);
  }

  /** The last thing that a thread does: it ends when nothing else keeps it. In Deno the port has no `close`, but the thread has. */
  end(): void {
    if (typeof this.#port.close === 'function') this.#port.close();
    else (globalThis as { close?(): void }).close?.();
  }

  fail(error: unknown, code: 'ERR_SOURCE' | 'ERR_SINK' | 'ERR_WORKER'): void {
    this.say({ kind: 'failed', error: toThreadError(error, code) });
  }
}

export function toThreadError(error: unknown, code: 'ERR_SOURCE' | 'ERR_SINK' | 'ERR_WORKER'): ThreadError {
  const known = asMillraceError(error, code);
  return { code: known.code, message: known.message, stack: known.stack };
}
