import type { MessagePort } from 'node:worker_threads';
import { asMillraceError } from '../../errors/errors.js';
import { type Logger, RateLimiter } from '../../errors/logger.js';
import type { FromThread, LogLevel, ThreadError } from './thread-messages.js';

/** A thread's end of the line to the main thread. */
export class ThreadPort {
  readonly #port: MessagePort;
  readonly log: Logger;

  /** `node`: what its messages are about, such as `sink 'live'`, where they do not say it themselves. */
  constructor(port: MessagePort, node?: { readonly kind: 'source' | 'stage' | 'sink'; readonly name: string }) {
    this.#port = port;
    const quoted = node && `'${node.name}'`;
    const place = node && { [node.kind]: node.name };
    // A log line that repeats for every frame must not become a load.
    const limiter = new RateLimiter();
    const send = (level: LogLevel) => (given: object, text: string) => {
      const suppressed = limiter.admit(`${level} ${text}`);
      if (suppressed < 0) return;
      const fields = suppressed > 0 ? { ...place, ...given, suppressed } : { ...place, ...given };
      this.say({ kind: 'log', level, fields, message: !quoted || text.includes(quoted) ? text : `${node.kind} ${quoted}: ${text}` });
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
