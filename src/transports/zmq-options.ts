import { asMillraceError } from '../errors/errors.js';
import type { OptionIssue } from '../errors/option-issue.js';
import { parseEndpoint } from './zmtp/endpoint.js';

/** `zmtp`: Millrace's own, in TypeScript. `libzmq`: the package zeromq, an addon. */
export type ZmqDriver = 'zmtp' | 'libzmq';

export interface ZmqPlain {
  /** As server: accepts clients with this name and password; as client: sends them. */
  readonly server?: boolean;
  readonly username: string;
  readonly password: string;
}

/** Keys in Z85, as `zmq_curve_keypair` makes them. */
export interface ZmqCurve {
  readonly server?: boolean;
  readonly publicKey?: string;
  readonly secretKey: string;
  /** The server's public key, for a client. */
  readonly serverKey?: string;
}

/** The options that source and sink, and both drivers, have in common. */
export interface ZmqOptions {
  readonly driver?: ZmqDriver;
  readonly connect?: string | readonly string[];
  readonly bind?: string | readonly string[];
  readonly plain?: ZmqPlain;
  readonly curve?: ZmqCurve;
}

const ENDPOINTS = {
  oneOf: [
    { type: 'string', minLength: 1 },
    { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 },
  ],
} as const;
// RFC 24: a name and a password have a byte for their length.
const SHORT_TEXT = { type: 'string', maxLength: 255 } as const;
const KEY = { type: 'string', minLength: 40, maxLength: 40 } as const;
const SERVER = { type: 'boolean', default: false } as const;

/** Properties of their JSON Schema. */
export const ZMQ_PROPERTIES = {
  driver: {
    enum: ['zmtp', 'libzmq'],
    default: 'zmtp',
    description:
      '`zmtp` is part of Millrace: tcp and ipc, without encryption; `libzmq` needs the package zeromq and supports all of ZeroMQ',
  },
  connect: { ...ENDPOINTS, description: 'endpoints to connect to; a socket needs `connect`, `bind` or both' },
  bind: { ...ENDPOINTS, description: 'endpoints to bind' },
  plain: {
    type: 'object',
    additionalProperties: false,
    required: ['username', 'password'],
    properties: {
      server: { ...SERVER, description: 'check the user name and password of each peer instead of sending them' },
      username: { ...SHORT_TEXT, description: 'user name' },
      password: { ...SHORT_TEXT, description: 'password; take it from the environment with ${NAME}' },
    },
    description: 'user name and password, sent without encryption (ZeroMQ PLAIN)',
  },
  curve: {
    type: 'object',
    additionalProperties: false,
    required: ['secretKey'],
    properties: {
      server: { ...SERVER, description: 'be the server of the security handshake' },
      publicKey: { ...KEY, description: 'public key of this side' },
      secretKey: { ...KEY, description: 'secret key of this side' },
      serverKey: { ...KEY, description: 'public key of the server' },
    },
    description: 'keys in Z85 (ZeroMQ CURVE), for `driver: libzmq`; a client sets all three, a server its own',
  },
} as const;

export const endpointList = (endpoints: string | readonly string[] | undefined): readonly string[] =>
  endpoints === undefined ? [] : typeof endpoints === 'string' ? [endpoints] : endpoints;

/** What of them the chosen driver cannot do. */
export function zmqOptionIssues({ driver = 'zmtp', connect, bind, plain, curve }: ZmqOptions): OptionIssue[] {
  const issues: OptionIssue[] = [];
  const add = (message: string, ...path: (string | number)[]): void => {
    issues.push({ message, path });
  };
  if (plain && curve) add('zmq: a connection has plain or curve, not both', 'curve');
  if (curve && !curve.server && !(curve.publicKey && curve.serverKey))
    add('zmq: a client of CURVE needs publicKey, secretKey and serverKey', 'curve');
  if (driver === 'libzmq') {
    // Without a ZAP handler of its own, libzmq accepts every client, whatever the password.
    if (plain?.server) add('zmq: driver libzmq checks no passwords: server: true needs driver: zmtp', 'plain', 'server');
    return issues;
  }
  if (curve) add('zmq: driver zmtp has no CURVE: it needs driver: libzmq', 'curve');
  for (const [purpose, given] of [
    ['connect', connect],
    ['bind', bind],
  ] as const) {
    for (const [index, endpoint] of endpointList(given).entries()) {
      const message = endpointIssue(endpoint, purpose);
      if (message !== undefined) add(message, purpose, ...(typeof given === 'string' ? [] : [index]));
    }
  }
  return issues;
}

function endpointIssue(endpoint: string, purpose: 'connect' | 'bind'): string | undefined {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//.exec(endpoint)?.[1];
  if (scheme !== undefined && scheme !== 'tcp' && scheme !== 'ipc')
    return `zmq: driver zmtp speaks tcp and ipc: '${scheme}' needs driver: libzmq`;
  try {
    parseEndpoint(endpoint, purpose);
    return undefined;
  } catch (thrown) {
    return `zmq: ${asMillraceError(thrown, 'ERR_ADDRESS').message}`;
  }
}
