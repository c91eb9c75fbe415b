import { redact, redactData } from './secrets.js';

/** The part of pino's interface that Millrace calls; a pino logger fits unchanged. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const nothing = (): void => {};
export const SILENT: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** The same logger, with known secrets removed from its input. */
export function redacting(logger: Logger): Logger {
  const level = (name: keyof Logger) => (fields: object, message: string) => logger[name](redactData(fields), redact(message));
  return { debug: level('debug'), info: level('info'), warn: level('warn'), error: level('error') };
}

/** Logs at most one line per key in `intervalMs`; the next line that passes gives the number of suppressed ones. */
export class RateLimiter {
  readonly #last = new Map<string, { at: number; suppressed: number }>();
  readonly #intervalMs: number;

  constructor(intervalMs = 1000) {
    this.#intervalMs = intervalMs;
  }

  /** The number of lines suppressed since the last one, or -1 when this line is to be suppressed too. */
  admit(key: string, now = Date.now()): number {
    const entry = this.#last.get(key);
    if (!entry) {
      this.#last.set(key, { at: now, suppressed: 0 });
      return 0;
    }
    if (now - entry.at < this.#intervalMs) {
      entry.suppressed++;
      return -1;
    }
    const { suppressed } = entry;
    entry.at = now;
    entry.suppressed = 0;
    return suppressed;
  }
}
