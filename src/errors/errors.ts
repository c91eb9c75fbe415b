import { redact } from './secrets.js';

/**
 * One table for every error that Millrace raises: a stable code, the exit code of the command, what it means.
 * Codes never change their meaning; messages may.
 */
export const EXIT = { done: 0, failed: 1, usage: 2, config: 78 } as const;

export const ERRORS = {
  // configuration: exit 78
  ERR_CONFIG_SYNTAX: [EXIT.config, 'the pipeline file is not valid YAML'],
  ERR_CONFIG_INVALID: [EXIT.config, 'a value, key or link of the pipeline is wrong'],
  ERR_CONFIG_FILE: [EXIT.config, 'a file that the pipeline names is missing or unreadable'],
  ERR_CONFIG_PROMISE: [EXIT.config, 'the pipeline asks for something that cannot be kept'],
  ERR_CONFIG_MEMORY: [EXIT.config, 'the pipeline does not fit in its arena'],
  ERR_CONFIG_ENV: [EXIT.config, 'an environment variable that the pipeline names is not set'],
  // usage: exit 2
  ERR_USAGE: [EXIT.usage, 'the command line or the call is wrong'],
  ERR_STATE: [EXIT.usage, 'the call does not fit the state of the object'],
  // at run time: exit 1
  ERR_OPTIONAL_MISSING: [EXIT.failed, 'an optional package is not installed'],
  ERR_CLOSED: [EXIT.failed, 'the object is closed'],
  ERR_SOURCE: [EXIT.failed, 'a source failed'],
  ERR_SINK: [EXIT.failed, 'a sink failed'],
  ERR_WORKER: [EXIT.failed, 'a worker thread ended'],
  ERR_DRAIN_DEADLINE: [EXIT.failed, 'the drain missed its deadline'],
  // a transport and its peers
  ERR_ADDRESS: [EXIT.failed, 'an address is wrong or cannot be bound'],
  ERR_PEER_PROTOCOL: [EXIT.failed, 'a peer broke the protocol'],
  ERR_PEER_LIMIT: [EXIT.failed, 'a peer went over a bound of the transport'],
  ERR_PEER_SILENT: [EXIT.failed, 'a peer said nothing for too long'],
  ERR_PEER_REFUSED: [EXIT.failed, 'a peer refused the connection or was refused'],
  ERR_UNREACHABLE: [EXIT.failed, 'no peer can take the message'],
  ERR_TIMEOUT: [EXIT.failed, 'the call took longer than it may'],
  // a frame or a message, counted by its reason
  ERR_MESSAGE_MALFORMED: [EXIT.failed, 'a message does not follow its codec'],
  ERR_MESSAGE_PARTS: [EXIT.failed, 'a message has the wrong number of parts'],
  ERR_MESSAGE_TOO_LARGE: [EXIT.failed, 'a frame is larger than the slot of its source'],
  ERR_FORMAT: [EXIT.failed, 'a file does not follow its format'],
  ERR_OPERATOR: [EXIT.failed, 'an operator failed on a frame'],
  ERR_OPERATOR_INPUT: [EXIT.failed, 'an operator was given a frame that it cannot take (shape or dtype)'],
  ERR_OPERATOR_OUTPUT: [EXIT.failed, 'an operator emitted too many frames, too large a frame, or a frame twice'],
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** A place in a configuration file, one-based. */
export interface Place {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  /** The path of keys, such as `stages.reduce.operators[1].bins`. */
  readonly path?: string;
}

/** Every error of Millrace: `code` is stable, `exitCode` is what the command ends with. The message holds no known secret. */
export class MillraceError extends Error {
  readonly code: ErrorCode;
  readonly place: Place | undefined;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown; place?: Place }) {
    super(redact(message), options && 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'MillraceError';
    this.code = code;
    this.place = options?.place;
  }

  get exitCode(): number {
    return ERRORS[this.code][0];
  }
}

/** The code of a thread is a bundle with a copy of this class: an error that a module made with another copy is one too. */
const BRAND = Symbol.for('millrace.error');
Object.defineProperty(MillraceError.prototype, BRAND, { value: true });
Object.defineProperty(MillraceError, Symbol.hasInstance, {
  value(this: unknown, value: unknown): boolean {
    if (this !== MillraceError) return Function.prototype[Symbol.hasInstance].call(this, value); // a subclass inherits this method
    return value instanceof Error && BRAND in value;
  },
});

/** `file:line:column`, as far as it is known. */
export function formatPlace(place: Place | undefined): string {
  if (!place) return '';
  const parts = [place.file, place.line, place.column].filter((part) => part !== undefined);
  return parts.join(':');
}

/** As `asMillraceError`, and the message of a MillraceError too begins with the prefix: which node it was. */
export function namedError(thrown: unknown, code: ErrorCode, prefix: string): MillraceError {
  if (!(thrown instanceof MillraceError)) return asMillraceError(thrown, code, prefix);
  return new MillraceError(thrown.code, `${prefix}: ${thrown.message}`, { cause: thrown, ...(thrown.place && { place: thrown.place }) });
}

/** Wraps whatever was thrown; keeps a MillraceError as it is. */
export function asMillraceError(thrown: unknown, code: ErrorCode, prefix = ''): MillraceError {
  if (thrown instanceof MillraceError) return thrown;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return new MillraceError(code, prefix ? `${prefix}: ${text}` : text, { cause: thrown });
}
