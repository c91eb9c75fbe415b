import { describe, expect, it } from 'vitest';
import { pipeline } from '#dist/src/index.js';
import { MillraceError } from '../../src/errors/errors.js';
import { protectSecrets, redact } from '../../src/errors/secrets.js';
import { BUILTIN } from '../../src/spec/builtin-registries.js';
import { parsePipelineWith } from '../../src/spec/parse-pipeline.js';
import { relaySpec } from '../../src/spec/relay-url.js';
import { itFull } from '../support/test-size.js';

type Properties = Readonly<Record<string, { readonly properties?: Properties; readonly type?: unknown }>>;

let drawn = 0;
/** A new one each time, so that no earlier configuration has made it known. */
const canary = (): string => `canary-${++drawn}/x%y`;
const SECRET = /passw|secret|token/i;

function messageOf(parse: () => unknown): string {
  try {
    parse();
  } catch (thrown) {
    const { errors } = thrown as { errors?: unknown };
    return [String(thrown), (thrown as Error).stack, JSON.stringify(errors ?? null), JSON.stringify((thrown as MillraceError).place)].join(
      '\n',
    );
  }
  return '';
}

const parse = (description: unknown): string =>
  messageOf(() => parsePipelineWith(JSON.stringify(description), { file: 'p.yaml', baseDir: '/', registries: BUILTIN }));

/** Values of every type but the right one, whichever that is. */
const WRONG: readonly unknown[] = [true, -1.5, 'wrong', [], {}, [{}], null];

function secretsIn(properties: Properties, secret: string): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const [key, { properties: below }] of Object.entries(properties)) {
    if (SECRET.test(key)) found[key] = secret;
    else if (below) {
      const inner = secretsIn(below, secret);
      if (Object.keys(inner).length > 0) found[key] = inner;
    }
  }
  if ('url' in properties) found.url = `redis://user:${encodeURIComponent(secret)}@host:6379`;
  return found;
}

const types = [
  ...[...BUILTIN.sources.values()].map((definition) => ['sources', definition] as const),
  ...[...BUILTIN.sinks.values()].map((definition) => ['sinks', definition] as const),
].map(([kind, { type, options }]) => ({
  kind,
  type,
  properties: ((options as { properties?: Properties }).properties ?? {}) as Properties,
}));

const described = (kind: string, type: string, options: object): object => ({
  version: 1,
  name: 'p',
  sources: { s: kind === 'sources' ? { type, ...options } : { type: 'sim', frames: 1 } },
  sinks: { k: kind === 'sinks' ? { type, from: 's', ...options } : { type: 'null', from: 's' } },
});

describe('no secret is in an error', () => {
  it.each(types.filter(({ properties }) => Object.keys(secretsIn(properties, 'x')).length > 0))(
    'of $kind of type $type, whichever other option is wrong',
    ({ kind, type, properties }) => {
      let refused = 0;
      for (const key of [...Object.keys(properties), 'pasword', 'unknown']) {
        for (const wrong of WRONG) {
          const secret = canary();
          const message = parse(described(kind, type, { ...secretsIn(properties, secret), [key]: wrong }));
          if (message !== '') refused++;
          expect(message).not.toContain(secret);
          expect(message).not.toContain(encodeURIComponent(secret));
        }
      }
      expect(refused).toBeGreaterThan(10);
    },
  );

  it.each(types.filter(({ properties }) => Object.keys(secretsIn(properties, 'x')).length > 0))(
    'of $kind of type $type, where the secret itself has the wrong type or place',
    ({ kind, type, properties }) => {
      for (const key of Object.keys(secretsIn(properties, 'x'))) {
        const number = 1e9 + ++drawn;
        const text = canary();
        const address = `redis://user:${encodeURIComponent(text)}@host`;
        const forms =
          key === 'url'
            ? [[address], { address }, { password: number }]
            : [text, number, [text], { password: [text] }, { nested: { password: text } }];
        for (const wrong of forms) {
          const message = parse(described(kind, type, { [key]: wrong }));
          expect(message).not.toContain(text);
          expect(message).not.toContain(String(number));
        }
      }
    },
  );

  it.each([
    (secret: string) => `redis://user:${secret}@host:6379/stream?unknown=1`,
    (secret: string) => `redis://user:${secret}@host:6379/stream?maxlen=${secret}`,
    (secret: string) => `radis://user:${secret}@host:6379/stream`,
    (secret: string) => `redis://user:${secret}@host`,
    (secret: string) => `kafka://user:${secret}@host/topic`,
    (secret: string) => `kafka://host:9092/topic?pasword=${secret}`,
    (secret: string) => `kafka://host:9092/topic?password=${secret}`,
    (secret: string) => `zmq+push://host:1?plain=${secret}`,
    (secret: string) => `zmq+push://host:1?unknown=${secret}&x`,
    (secret: string) => `//user:${secret}@host`,
  ])('of relay to address %#', (address) => {
    const secret = `canary-${++drawn}`;
    const message = messageOf(() => relaySpec('sim:?frames=1', address(secret)));
    expect(message).not.toBe('');
    expect(message).not.toContain(secret);
  });

  it('of wrong brokers of Kafka', () => {
    for (const brokers of ['user:SECRET@host:9092', ['user:SECRET@host'], ['kafka://user:SECRET@host:9092'], 'SASL://user:SECRET@host']) {
      const secret = `canary-${++drawn}`;
      const text = JSON.stringify(brokers).replaceAll('SECRET', secret);
      expect(parse(described('sinks', 'kafka', { brokers: JSON.parse(text), topic: 7 }))).not.toContain(secret);
    }
  });

  it('of an override', () => {
    const secret = `canary-${++drawn}`;
    for (const set of [`sinks.k.url={redis://u:${secret}@h`, `sinks.k.password=[${secret}`, `sinks.k.plain.password=[{${secret}}]`]) {
      const text = JSON.stringify(described('sinks', 'redis', { url: 'redis://h:1', stream: 's' }));
      expect(messageOf(() => parsePipelineWith(text, { file: 'p.yaml', baseDir: '/', set: [set], registries: BUILTIN }))).not.toContain(
        secret,
      );
    }
  });
});

it('a secret of a configuration is removed from every later error and text, as it is, as in URLs and as in JSON', () => {
  const secret = 'canary "p@ss" word';
  protectSecrets({ sinks: { k: { plain: { password: secret } } } });
  expect(new MillraceError('ERR_SINK', `refused ${secret}`).message).toBe('refused ***');
  expect(redact(`refused ${encodeURIComponent(secret)} and ${JSON.stringify({ secret })}`)).toBe('refused *** and {"secret":"***"}');
});

it('an endpoint, a plain word and a short value stay as they are', () => {
  protectSecrets({ password: 'abc', key: 'source', topic: 'a-topic-name', bind: 'ipc://@abstract' });
  const text = "source 'in' reads ipc://@abstract, tcp://10.0.0.1:5555, a-topic-name and mail@example.org";
  expect(redact(text)).toBe(text);
});

itFull('log lines and the report of a run hold no secret', async () => {
  const secret = `canary-${++drawn}-token`;
  const lines: unknown[] = [];
  const note = (...line: unknown[]): void => void lines.push(line);
  const run = pipeline('p')
    .source('s', { type: 'push', maxFrame: '1KiB' })
    .sink('k', { type: 'redis', from: 's', url: `redis://user:${secret}@127.0.0.1:1`, stream: 's' })
    .build({ logger: { debug: note, info: note, warn: note, error: note } });
  const refused = await run.start().catch((error: unknown) => error);
  const report = await run.closed;
  expect(refused).toBeInstanceOf(Error);
  expect(JSON.stringify([lines, report, String(refused)])).not.toContain(secret);
});
