import type { Logger } from '../errors/logger.js';
import { type Paint, plain } from './colour.js';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevelName = (typeof LOG_LEVELS)[number];
export type LogFormat = 'text' | 'json';

/** A message that repeats within this time is counted instead of printed. */
const REPEAT_MS = 5000;
/** Number of different messages to remember. */
const MAX_KEYS = 1000;
const WORDS: Readonly<Record<LogLevelName, string>> = { debug: 'debug', info: 'info', warn: 'warning', error: 'error' };

export interface LogOutputOptions {
  readonly level: LogLevelName;
  readonly format: LogFormat;
  readonly paint?: Paint;
  /** Time in ms since 1970. */
  readonly now?: () => number;
}

interface Repeats {
  at: number;
  count: number;
  readonly level: LogLevelName;
  message: string;
}

/** JSON where a service manager reads the output (systemd), text otherwise. */
export function logFormatFor(isTty: boolean, env: Readonly<Record<string, string | undefined>>): LogFormat {
  return !isTty && (env.JOURNAL_STREAM || env.INVOCATION_ID) ? 'json' : 'text';
}

/**
 * Writes messages as lines with a time stamp. Messages that differ only in numbers count as repeats: a repeat within
 * five seconds is counted, and the next line, or at the latest `close`, gives the count (`repeated`).
 */
export class LogOutput implements Logger {
  readonly #write: (line: string) => void;
  readonly #options: LogOutputOptions;
  readonly #now: () => number;
  readonly #repeats = new Map<string, Repeats>();

  constructor(write: (line: string) => void, options: LogOutputOptions) {
    this.#write = write;
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  debug(fields: object, message: string): void {
    this.#log('debug', fields, message);
  }

  info(fields: object, message: string): void {
    this.#log('info', fields, message);
  }

  warn(fields: object, message: string): void {
    this.#log('warn', fields, message);
  }

  error(fields: object, message: string): void {
    this.#log('error', fields, message);
  }

  /** Writes the counts of repeated messages that no line has reported yet. */
  close(): void {
    for (const { level, message, count } of this.#repeats.values()) if (count > 0) this.#line(level, { repeated: count }, message);
    this.#repeats.clear();
  }

  #log(level: LogLevelName, fields: object, message: string): void {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(this.#options.level)) return;
    const { suppressed = 0, ...rest } = fields as { readonly suppressed?: number };
    const repeated = this.#admit(level, message, suppressed);
    if (repeated >= 0) this.#line(level, repeated > 0 ? { ...rest, repeated } : rest, message);
  }

  /**
   * Repeats since the last line of this message, or -1 when this one only counts. `suppressed`: repeats that its thread
   * counted.
   */
  #admit(level: LogLevelName, message: string, suppressed: number): number {
    const key = `${level} ${message.replace(/\d+/g, '#')}`;
    const now = this.#now();
    const known = this.#repeats.get(key);
    if (known && now - known.at < REPEAT_MS) {
      known.count += 1 + suppressed;
      known.message = message;
      return -1;
    }
    if (!known && this.#repeats.size >= MAX_KEYS) {
      const [oldest, { level: oldLevel, message: old, count }] = this.#repeats.entries().next().value!;
      if (count > 0) this.#line(oldLevel, { repeated: count }, old);
      this.#repeats.delete(oldest);
    }
    this.#repeats.set(key, { at: now, count: 0, level, message });
    return (known?.count ?? 0) + suppressed;
  }

  #line(level: LogLevelName, fields: object, message: string): void {
    const time = new Date(this.#now()).toISOString();
    this.#write(
      this.#options.format === 'json'
        ? jsonLine(time, level, fields, message)
        : textLine(time, level, fields, message, this.#options.paint ?? plain),
    );
  }
}

/** One JSON object: `time`, `level`, `message`, and the fields of the message. */
export function jsonLine(time: string, level: LogLevelName, fields: object, message: string): string {
  const entries = Object.entries(fields).map(([key, value]) => [key, ofError(value)]);
  return JSON.stringify({ ...Object.fromEntries(entries), time, level, message }, (_key, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
}

function textLine(time: string, level: LogLevelName, fields: object, message: string, paint: Paint): string {
  const details = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => {
      const plainValue = value instanceof Error ? value.message : value;
      // Quoted unless it is a single word.
      return `${key}=${typeof plainValue === 'string' && /^[^\s"=\p{C}]+$/u.test(plainValue) ? plainValue : text(plainValue)}`;
    });
  const word = level === 'error' ? paint(WORDS[level], 'red') : level === 'warn' ? paint(WORDS[level], 'yellow') : WORDS[level];
  return `millrace: ${time} ${word}: ${[oneLine(message), ...details].join(' ')}`;
}

const text = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? String(part) : part)) ?? String(value);

/** Without line breaks and terminal control characters. */
function oneLine(message: string): string {
  return message.replace(/\p{Cc}/gu, (character) => (character === '\n' ? ' | ' : '?'));
}

function ofError(value: unknown): unknown {
  return value instanceof Error ? { message: value.message, ...(value.stack ? { stack: value.stack } : {}) } : value;
}
