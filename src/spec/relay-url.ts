import { MillraceError } from '../errors/errors.js';
import { isSecretKey, protectSecrets } from '../errors/secrets.js';
import { BUILTIN } from './builtin-registries.js';
import { ConfigError } from './config-error.js';
import { specFromObject } from './load.js';
import type { Registries } from './registries.js';
import { pipelineSchema } from './schema.js';
import { isModulePath, type PipelineSpec } from './spec.js';
import { suggest } from './suggest.js';
import { typedText } from './typed-text.js';

type Options = Record<string, unknown>;
type Role = 'source' | 'sink';
type Properties = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

interface RelayUrl {
  readonly text: string;
  readonly scheme: string;
  /** Whether there is `//` and a host (which may be empty). */
  readonly host: string | undefined;
  readonly path: string;
  readonly query: readonly (readonly [key: string, value: string])[];
}

const EXPECTED = {
  source: 'zmq+pull://HOST:PORT, zmq+sub://HOST:PORT, file:PATH or sim:?shape=64x64&frames=100',
  sink: 'zmq+push://HOST:PORT, zmq+pub://HOST:PORT, redis://HOST:PORT/STREAM, kafka://HOST:PORT/TOPIC, file:PATH, print: or null:',
};
const ZMQ_SOCKETS: Readonly<Record<string, Role>> = { pull: 'source', sub: 'source', push: 'sink', pub: 'sink' };

/**
 * The pipeline of `relay`: one source, one stage with the operators of `throughs` (each `type`, `type:key=value,key=value`
 * or the path of a module), one sink; without a sink it prints. Throws ERR_USAGE that says what was expected.
 */
export function relaySpec(
  sourceUrl: string,
  sinkUrl: string | undefined,
  throughs: readonly string[] = [],
  { baseDir = '.', registries = BUILTIN }: { readonly baseDir?: string; readonly registries?: Registries } = {},
): PipelineSpec {
  const defs = pipelineSchema(registries).$defs as Record<string, { properties?: Properties }>;
  const propertiesOf = (kind: string, type: string): Properties => defs[`${kind}-${type}`]?.properties ?? {};
  const source = node(sourceUrl, 'source', registries, propertiesOf);
  const sink = node(sinkUrl ?? 'print:', 'sink', registries, propertiesOf);
  const operators = throughs.map((text) => through(text, registries, propertiesOf));
  const relay = {
    version: 1,
    name: 'relay',
    sources: { source },
    ...(operators.length > 0 && { stages: { through: { from: 'source', operators } } }),
    sinks: { sink: { ...sink, from: operators.length > 0 ? 'through' : 'source' } },
  };
  try {
    return specFromObject(relay, { baseDir, registries });
  } catch (thrown) {
    if (!(thrown instanceof ConfigError) || thrown.errors.some(({ code }) => code !== 'ERR_CONFIG_INVALID')) throw thrown;
    // The author wrote addresses and no pipeline: the place is the address.
    const texts: Readonly<Record<string, string>> = { sources: sourceUrl, sinks: sinkUrl ?? 'print:' };
    const lines = thrown.errors.map(({ message, place }) => {
      const path = place.path ?? '';
      const operator = /^stages\.through\.operators\[(\d+)\]/.exec(path);
      const text = operator ? throughs[Number(operator[1])] : texts[path.split('.')[0]!];
      return `${text === undefined ? 'relay' : shown(text)}: ${message}`;
    });
    throw new MillraceError('ERR_USAGE', lines.join('\n'), { cause: thrown });
  }
}

function usage(text: string, message: string): MillraceError {
  return new MillraceError('ERR_USAGE', `'${shown(text)}': ${message}`);
}

/** An address without the values of its query: any of them may be a secret, under whatever key. */
function shown(text: string): string {
  return text.replace(/\?.*$/s, (query) => query.replace(/=[^&]*/g, '=...'));
}

function parseUrl(text: string, role: Role): RelayUrl {
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/([^/?#]*))?([^?]*)(?:\?(.*))?$/.exec(text);
  if (!match) throw usage(text, `not the address of a ${role}, which is ${EXPECTED[role]}`);
  const [, scheme, host, path, query = ''] = match;
  for (const pair of query.split('&')) {
    const [key = '', value = ''] = pair.split(/=(.*)/s);
    protectSecrets(value, isSecretKey(key));
  }
  const pairs = query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=');
      if (equals < 1) throw usage(text, `'${shown(`?${pair}`).slice(1)}' in the query is not key=value`);
      return [decode(pair.slice(0, equals), text), decode(pair.slice(equals + 1).replaceAll('+', ' '), text)] as const;
    });
  return { text, scheme: scheme!.toLowerCase(), host, path: decode(path!, text), query: pairs };
}

function decode(part: string, text: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw usage(text, `'${part}' holds a % that is not followed by two hexadecimal digits of UTF-8 (write %25 for a %)`);
  }
}

function node(
  text: string,
  role: Role,
  registries: Registries,
  propertiesOf: (kind: string, type: string) => Properties,
): Options & { type: string } {
  const url = parseUrl(text, role);
  const { options, query } = address(url, role, registries);
  const properties = propertiesOf(role, options.type);
  for (const [key, value] of query) {
    if (key === 'type' || key === 'from' || Object.hasOwn(options, key)) throw usage(text, `'${key}' cannot stand in the query`);
    setOwn(options, key, typedText(value, schemaOf(properties, key)));
  }
  return options;
}

/** What scheme, host and path say; the rest of the query is the type's own. */
function address(url: RelayUrl, role: Role, registries: Registries): { options: Options & { type: string }; query: RelayUrl['query'] } {
  const { scheme, host, path, query, text } = url;
  const expected = (form: string): MillraceError => usage(text, `expected ${form}`);
  const zmq = /^zmq\+([a-z]+)$/.exec(scheme);
  if (zmq) {
    const socket = zmq[1]!;
    if (!Object.hasOwn(ZMQ_SOCKETS, socket)) throw expected(EXPECTED[role]);
    if (ZMQ_SOCKETS[socket] !== role)
      throw usage(text, `${scheme} is a ${ZMQ_SOCKETS[socket]}, and a ${role} is wanted: ${EXPECTED[role]}`);
    const ipc = host === '' && path.length > 1;
    if (!ipc && (!isHostPort(host) || path.replace('/', '') !== '')) throw expected(`${scheme}://HOST:PORT or ${scheme}:///PATH/OF/SOCKET`);
    const bind = query.find(([key]) => key === 'bind')?.[1];
    if (bind !== undefined && !['0', '1', 'true', 'false'].includes(bind)) throw expected(`bind=1 or bind=0, not bind=${bind}`);
    const endpoint = ipc ? `ipc://${path}` : `tcp://${host}`;
    const way = bind === '1' || bind === 'true' ? 'bind' : 'connect';
    return { options: { type: 'zmq', socket, [way]: endpoint }, query: query.filter(([key]) => key !== 'bind') };
  }
  if (scheme === 'zmq') throw expected(role === 'source' ? 'zmq+pull:// or zmq+sub://' : 'zmq+push:// or zmq+pub://');
  const types = role === 'source' ? registries.sources : registries.sinks;
  const type = scheme === 'rediss' ? 'redis' : scheme;
  if (!types.has(type)) {
    const other = role === 'source' ? registries.sinks : registries.sources;
    const known = [...types.keys()].map((name) => (name === 'zmq' ? (role === 'source' ? 'zmq+pull' : 'zmq+push') : name));
    const why = other.has(type) ? `'${scheme}' cannot be a ${role}` : `there is no ${role} '${scheme}'${suggest(scheme, known)}`;
    throw usage(text, `${why}; expected ${EXPECTED[role]}`);
  }
  switch (type) {
    case 'redis': {
      const name = path.slice(1);
      const channel = query.some(([key]) => key === 'channel');
      if (!host || (!name && !channel)) throw expected(`${scheme}://HOST:PORT/STREAM?maxlen=10000 or ${scheme}://HOST:PORT?channel=NAME`);
      return { options: { type, url: `${scheme}://${host}`, ...(name && { stream: name }) }, query };
    }
    case 'kafka': {
      const brokers = (host ?? '').split(',');
      const topic = path.slice(1);
      if (!brokers.every(isHostPort) || !topic) throw expected('kafka://HOST:PORT/TOPIC, or kafka://HOST:PORT,HOST:PORT/TOPIC');
      return { options: { type, brokers, topic }, query };
    }
    case 'file':
    case 'image': {
      if (host || !path) throw expected(`${type}:PATH or ${type}:///ABSOLUTE/PATH`);
      return { options: { type, path }, query };
    }
    default:
      if (host || path) throw expected(`${scheme}: or ${scheme}:?key=value&key=value`);
      return { options: { type }, query };
  }
}

function isHostPort(text: string | undefined): boolean {
  const match = /^(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._*-]+):(\d{1,5})$/.exec(text ?? '');
  return match !== null && Number(match[2]) <= 65_535;
}

function through(text: string, registries: Registries, propertiesOf: (kind: string, type: string) => Properties): Options {
  // The parameters begin at the colon before a key: paths may contain others.
  const split = /^(.*?):([A-Za-z_][\w-]*=.*)$/s.exec(text);
  const type = split ? split[1]! : text;
  if (!isModulePath(type) && !registries.operators.has(type)) {
    const known = [...registries.operators.keys()];
    throw usage(
      text,
      `there is no operator '${type}'${suggest(type, known)}; expected one of ${known.join(', ')} or the path of a module (./my-operator.mjs)`,
    );
  }
  const options: Options = { type };
  const properties = propertiesOf('operator', type);
  // A comma that no key follows belongs to the value before it.
  for (const pair of split ? split[2]!.split(/,(?=[A-Za-z_][\w-]*=)/) : []) {
    const equals = pair.indexOf('=');
    const key = pair.slice(0, equals);
    if (Object.hasOwn(options, key)) throw usage(text, `'${key}' is given twice`);
    setOwn(options, key, typedText(pair.slice(equals + 1), schemaOf(properties, key)));
  }
  return options;
}

const schemaOf = (properties: Properties, key: string): Properties[string] => (Object.hasOwn(properties, key) ? properties[key]! : {});

/** As an assignment, but `__proto__` is a key like others, which the check of the options refuses. */
function setOwn(options: Options, key: string, value: unknown): void {
  Object.defineProperty(options, key, { value, writable: true, enumerable: true, configurable: true });
}
