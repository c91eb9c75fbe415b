import { redact } from './secrets.js';

/**
 * One table for every error that Millrace raises: a stable code, the exit code of the command, what it means, what to do.
 * Codes never change their meaning; messages may.
 */
export const EXIT = { done: 0, failed: 1, usage: 2, config: 78 } as const;

export const ERRORS = {
  // configuration: exit 78
  ERR_CONFIG_SYNTAX: [EXIT.config, 'the pipeline file is not valid YAML', 'correct the file at the line and column of the message'],
  ERR_CONFIG_INVALID: [
    EXIT.config,
    'a value, key or link of the pipeline is wrong',
    'correct the value at the place of the message; `millrace validate` lists all mistakes of a file at once',
  ],
  ERR_CONFIG_FILE: [
    EXIT.config,
    'a file that the pipeline names is missing or unreadable',
    'check the path and its permissions; a relative path starts at the folder of the pipeline file',
  ],
  ERR_CONFIG_PROMISE: [
    EXIT.config,
    'the pipeline combines settings that exclude each other',
    'change one of the settings that the message names',
  ],
  ERR_CONFIG_MEMORY: [
    EXIT.config,
    'the pipeline does not fit in its shared memory',
    'lower `maxFrame`, `capacity`, `window` or `slots` where the message says',
  ],
  ERR_CONFIG_ENV: [
    EXIT.config,
    'an environment variable that the pipeline names is not set',
    'set the variable, or give a default in the file: `${NAME:-default}`',
  ],
  // usage: exit 2
  ERR_USAGE: [EXIT.usage, 'the command line or the call is wrong', 'see `millrace VERB --help`, or the description of the function'],
  ERR_STATE: [
    EXIT.usage,
    'the object is not in the state that the call needs',
    'check the order of the calls, such as a commit after a commit',
  ],
  // at run time: exit 1
  ERR_OPTIONAL_MISSING: [EXIT.failed, 'an optional package is not installed', 'install the package that the message names'],
  ERR_CLOSED: [EXIT.failed, 'the object is closed', 'make no calls after `close`, or open a new object'],
  ERR_SOURCE: [EXIT.failed, 'a source failed', 'read the cause in the message; check the connection, device or file of the source'],
  ERR_SINK: [EXIT.failed, 'a sink failed', 'read the cause in the message; check the connection, disk space and permissions of the sink'],
  ERR_WORKER: [
    EXIT.failed,
    'a worker thread ended',
    'read the cause in the message; check the operator module for uncaught errors, its use of memory, and endless loops',
  ],
  ERR_DRAIN_DEADLINE: [
    EXIT.failed,
    'the drain missed its deadline',
    'find the sink or stage that is too slow, or raise `drain.deadlineMs`',
  ],
  // a transport and its peers
  ERR_ADDRESS: [EXIT.failed, 'an address is wrong, or cannot be bound', 'correct the address, or stop the process that uses the port'],
  ERR_PEER_PROTOCOL: [
    EXIT.failed,
    'a peer broke the protocol',
    'check that the peer speaks ZMTP (ZeroMQ) and that its version is supported',
  ],
  ERR_PEER_LIMIT: [
    EXIT.failed,
    'a peer exceeded a limit of the transport',
    'lower what the peer sends, or raise the limit that the message names',
  ],
  ERR_PEER_SILENT: [
    EXIT.failed,
    'a peer sent nothing for too long',
    'check the peer and the network, or raise the time that the message names',
  ],
  ERR_PEER_REFUSED: [
    EXIT.failed,
    'one side refused the connection',
    'make socket types, security mechanism and credentials of both sides match',
  ],
  ERR_UNREACHABLE: [EXIT.failed, 'no peer can take the message', 'check that the peer is connected; send again'],
  ERR_TIMEOUT: [EXIT.failed, 'the call took longer than allowed', 'raise the timeout, or check the peer'],
  // a frame or a message, counted by its reason
  ERR_MESSAGE_MALFORMED: [
    EXIT.failed,
    'a message does not follow its codec',
    'set `codec` of the source to the format of the sender, or correct the sender',
  ],
  ERR_MESSAGE_PARTS: [
    EXIT.failed,
    'a message has the wrong number of parts',
    'set `codec` and `topicPart` of the source to what the sender sends',
  ],
  ERR_MESSAGE_TOO_LARGE: [
    EXIT.failed,
    'a frame is larger than a slot of its source',
    'raise `maxFrame` of the source to the size in the message',
  ],
  ERR_FORMAT: [
    EXIT.failed,
    'a file does not follow its format',
    'check the file with another program; it may be damaged or still being written',
  ],
  ERR_OPERATOR: [
    EXIT.failed,
    'an operator failed on a frame',
    'read the cause and the stack; `millrace dlq show` prints them for a dead letter',
  ],
  ERR_OPERATOR_INPUT: [
    EXIT.failed,
    'an operator cannot take a frame of this shape or dtype',
    'check the operators before it and the shape and dtype of the source',
  ],
  ERR_OPERATOR_OUTPUT: [
    EXIT.failed,
    'an operator emitted too many frames, too large a frame, or a frame twice',
    'emit at most `maxOutputs` frames, each at most `maxOutputBytes` (see `prepare`), and no frame twice',
  ],
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

/**
 * The class of every Millrace error: `code` is stable, `exitCode` is the exit code of the command. The message contains
 * no known secret.
 */
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

/** The code of a thread is a bundle with its own copy of this class: an error made with another copy counts too. */
const BRAND = Symbol.for('millrace.error');
Object.defineProperty(MillraceError.prototype, BRAND, { value: true });
Object.defineProperty(MillraceError, Symbol.hasInstance, {
  value(this: unknown, value: unknown): boolean {
    if (this !== MillraceError) return Function.prototype[Symbol.hasInstance].call(this, value); // A subclass inherits this method.
    return value instanceof Error && BRAND in value;
  },
});

/** `file:line:column`, as far as known. */
export function formatPlace(place: Place | undefined): string {
  if (!place) return '';
  const parts = [place.file, place.line, place.column].filter((part) => part !== undefined);
  return parts.join(':');
}

/** As `asMillraceError`, but prefixes the message of a MillraceError too, to name the node. */
export function namedError(thrown: unknown, code: ErrorCode, prefix: string): MillraceError {
  if (!(thrown instanceof MillraceError)) return asMillraceError(thrown, code, prefix);
  return new MillraceError(thrown.code, `${prefix}: ${thrown.message}`, { cause: thrown, ...(thrown.place && { place: thrown.place }) });
}

/** Wraps any thrown value; returns a MillraceError unchanged. */
export function asMillraceError(thrown: unknown, code: ErrorCode, prefix = ''): MillraceError {
  if (thrown instanceof MillraceError) return thrown;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return new MillraceError(code, prefix ? `${prefix}: ${text}` : text, { cause: thrown });
}
