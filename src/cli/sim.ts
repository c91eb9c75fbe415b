import { MillraceError } from '../errors/errors.js';
import { relaySpec } from '../spec/relay-url.js';
import type { CliContext } from './context.js';
import { type RunOptions, runSpec } from './run.js';

export interface SimOptions extends RunOptions {
  readonly connect?: string;
  readonly bind?: string;
  /** Any sink of `relay`, instead of a ZeroMQ socket. */
  readonly to?: string;
  readonly socket: 'push' | 'pub';
  readonly codec?: string;
  readonly pattern?: string;
  readonly shape?: string;
  readonly dtype?: string;
  readonly frames?: string;
  readonly rate?: string;
  readonly seed?: string;
}

/** `millrace sim`: sends a simulated detector to a ZeroMQ socket or another sink. */
export async function sim(options: SimOptions, context: CliContext): Promise<number> {
  return runSpec(simSpec(options), options, context);
}

/** The pipeline of `sim`. Throws ERR_USAGE. */
export function simSpec(options: SimOptions): ReturnType<typeof relaySpec> {
  const given = [options.connect, options.bind, options.to].filter((value) => value !== undefined);
  if (given.length !== 1)
    throw new MillraceError('ERR_USAGE', 'give sim one of --connect tcp://HOST:PORT, --bind tcp://HOST:PORT and --to SINK-URL');
  const keys = ['pattern', 'shape', 'dtype', 'frames', 'rate', 'seed'] as const;
  const query = keys.flatMap((key) => (options[key] === undefined ? [] : [`${key}=${encodeURIComponent(options[key])}`]));
  return relaySpec(`sim:?${query.join('&')}`, options.to ?? zmqUrl(options));
}

function zmqUrl({ connect, bind, socket, codec }: SimOptions): string {
  const endpoint = connect ?? bind ?? '';
  const match = /^(tcp|ipc):\/\/(.+)$/.exec(endpoint);
  if (!match) throw new MillraceError('ERR_USAGE', `'${endpoint}': expected tcp://HOST:PORT or ipc:///PATH`);
  const query = [bind === undefined ? '' : 'bind=1', codec === undefined ? '' : `codec=${encodeURIComponent(codec)}`].filter(
    (pair) => pair,
  );
  return `zmq+${socket}://${match[2]}${query.length > 0 ? `?${query.join('&')}` : ''}`;
}
