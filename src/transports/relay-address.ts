/** An address on the command line of `relay`, in its parts; host, path and query are not decoded further. */
export interface RelayAddress {
  readonly scheme: string;
  /** Undefined where there is no `//`; empty in `file:///path`. */
  readonly host: string | undefined;
  readonly path: string;
  readonly query: readonly (readonly [key: string, value: string])[];
}

/** What an address gives a source or sink. */
export interface AddressOptions {
  readonly options: Readonly<Record<string, unknown>>;
  /** Keys of the query that are part of the address; the others are options. */
  readonly taken?: readonly string[];
}

/**
 * The addresses of a source or sink on the command line of `relay`. Without one, its address is `TYPE:`, and all options are
 * in the query.
 */
export interface AddressForm {
  /** Default: the type. */
  readonly schemes?: readonly string[];
  /** Forms of the address, for messages. */
  readonly forms: readonly string[];
  /** The options that an address gives; a text says what was expected. */
  read(address: RelayAddress): AddressOptions | string;
}

/** `HOST:PORT`, with an IPv6 host in brackets; the host `*` is all interfaces. */
export function isHostPort(text: string | undefined): boolean {
  const match = /^(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._*-]+):(\d{1,5})$/.exec(text ?? '');
  return match !== null && Number(match[2]) <= 65_535;
}

/** `file:PATH`, relative to the current folder, or `file:///ABSOLUTE/PATH`. */
export const pathAddress = (type: string): AddressForm => ({
  forms: [`${type}:PATH`],
  read: ({ host, path }) => (host || !path ? `${type}:PATH or ${type}:///ABSOLUTE/PATH` : { options: { path } }),
});

/** `zmq+SOCKET://HOST:PORT` connects; with `bind=1` it binds. `zmq+SOCKET:///PATH` is a Unix domain socket. */
export const zmqAddress = (sockets: readonly string[]): AddressForm => ({
  schemes: sockets.map((socket) => `zmq+${socket}`),
  forms: sockets.map((socket) => `zmq+${socket}://HOST:PORT`),
  read({ scheme, host, path, query }) {
    const isIpc = host === '' && path.length > 1;
    if (!isIpc && (!isHostPort(host) || path.replace('/', '') !== '')) return `${scheme}://HOST:PORT or ${scheme}:///PATH/OF/SOCKET`;
    const bind = query.find(([key]) => key === 'bind')?.[1];
    if (bind !== undefined && !['0', '1', 'true', 'false'].includes(bind)) return `bind=1 or bind=0, not bind=${bind}`;
    const way = bind === '1' || bind === 'true' ? 'bind' : 'connect';
    const options = { socket: scheme.slice('zmq+'.length), [way]: isIpc ? `ipc://${path}` : `tcp://${host}` };
    return { options, taken: ['bind'] };
  },
});

/** `redis://HOST:PORT/STREAM`, or `redis://HOST:PORT?channel=NAME`; `rediss` is TLS. */
export const REDIS_ADDRESS: AddressForm = {
  schemes: ['redis', 'rediss'],
  forms: ['redis://HOST:PORT/STREAM'],
  read({ scheme, host, path, query }) {
    const stream = path.slice(1);
    if (!host || (!stream && !query.some(([key]) => key === 'channel')))
      return `${scheme}://HOST:PORT/STREAM?maxlen=10000 or ${scheme}://HOST:PORT?channel=NAME`;
    return { options: { url: `${scheme}://${host}`, ...(stream && { stream }) } };
  },
};

/** `kafka://HOST:PORT,HOST:PORT/TOPIC`. */
export const KAFKA_ADDRESS: AddressForm = {
  forms: ['kafka://HOST:PORT/TOPIC'],
  read({ host, path }) {
    const brokers = (host ?? '').split(',');
    const topic = path.slice(1);
    if (!brokers.every(isHostPort) || !topic) return 'kafka://HOST:PORT/TOPIC, or kafka://HOST:PORT,HOST:PORT/TOPIC';
    return { options: { brokers, topic } };
  },
};
