import type { EgressDefinition } from '../egress/egress.js';
import { MillraceError } from '../errors/errors.js';
import { isSecretKey, protectSecrets } from '../errors/secrets.js';
import type { IngressDefinition } from '../ingress/ingress.js';
import type { RelayAddress } from '../transports/relay-address.js';
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

interface RelayUrl extends RelayAddress {
  readonly text: string;
}

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

function parseUrl(text: string, role: Role, registries: Registries): RelayUrl {
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/([^/?#]*))?([^?]*)(?:\?(.*))?$/.exec(text);
  if (!match) throw usage(text, `not the address of a ${role}, which is ${expectedOf(definitionsOf(role, registries))}`);
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
  const url = parseUrl(text, role, registries);
  const { options, query } = address(url, role, registries);
  const properties = propertiesOf(role, options.type);
  for (const [key, value] of query) {
    if (key === 'type' || key === 'from' || Object.hasOwn(options, key)) throw usage(text, `'${key}' cannot stand in the query`);
    setOwn(options, key, typedText(value, schemaOf(properties, key)));
  }
  return options;
}

type Definition = IngressDefinition | EgressDefinition;

const definitionsOf = (role: Role, { sources, sinks }: Registries): readonly Definition[] =>
  [...(role === 'source' ? sources : sinks).values()].filter(({ address }) => address !== false);

const schemesOf = ({ type, address }: Definition): readonly string[] => (address || undefined)?.schemes ?? [type];

/** The forms of all addresses, for messages. */
function expectedOf(definitions: readonly Definition[]): string {
  const forms = definitions.flatMap(({ type, address }) => (address || undefined)?.forms ?? [`${type}:`]);
  return forms.length < 2 ? forms.join() : `${forms.slice(0, -1).join(', ')} or ${forms.at(-1)}`;
}

/** The options that scheme, host and path give; the rest of the query is the type's own. */
function address(url: RelayUrl, role: Role, registries: Registries): { options: Options & { type: string }; query: RelayUrl['query'] } {
  const { scheme, host, path, query, text } = url;
  const definition = definitionsOf(role, registries).find((one) => schemesOf(one).includes(scheme));
  if (!definition) throw usage(text, unknownScheme(scheme, role, registries));
  const { type } = definition;
  if (!definition.address) {
    if (host || path) throw usage(text, `expected ${scheme}: or ${scheme}:?key=value&key=value`);
    return { options: { type }, query };
  }
  const read = definition.address.read(url);
  if (typeof read === 'string') throw usage(text, `expected ${read}`);
  return { options: { type, ...read.options }, query: query.filter(([key]) => !read.taken?.includes(key)) };
}

function unknownScheme(scheme: string, role: Role, registries: Registries): string {
  const own = definitionsOf(role, registries);
  const other = role === 'source' ? 'sink' : 'source';
  if (definitionsOf(other, registries).some((one) => schemesOf(one).includes(scheme)))
    return `${scheme} is a ${other}, and a ${role} is wanted; expected ${expectedOf(own)}`;
  // The scheme begins with the name of a type that has schemes of its own.
  const meant = own.find(({ type }) => type === scheme.split('+')[0]);
  if (meant)
    return `expected ${schemesOf(meant)
      .map((one) => `${one}://`)
      .join(' or ')}`;
  return `there is no ${role} '${scheme}'${suggest(scheme, own.flatMap(schemesOf))}; expected ${expectedOf(own)}`;
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
