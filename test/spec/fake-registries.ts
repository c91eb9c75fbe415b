import type { Codec } from '../../src/codecs/codec.js';
import type { EgressDefinition } from '../../src/egress/egress.js';
import type { IngressDefinition } from '../../src/ingress/ingress.js';
import type { OperatorDefinition } from '../../src/operators/operator.js';
import type { Registries } from '../../src/spec/registries.js';
import { KAFKA_ADDRESS, pathAddress, REDIS_ADDRESS, zmqAddress } from '../../src/transports/relay-address.js';

const never = (): never => {
  throw new Error('nothing is made of these');
};
const codec = (name: string): Codec => ({ name, decode: never, encode: never });
const object = (properties: object, more: object = {}): Record<string, unknown> => ({
  type: 'object',
  properties,
  additionalProperties: false,
  ...more,
});
const byType = <T extends { type: string }>(list: T[]): Map<string, T> => new Map(list.map((one) => [one.type, one]));

/** Small definitions of known schemas, so that the tests do not depend on what ships. */
export const FAKES: Registries = {
  sources: byType<IngressDefinition>([
    {
      type: 'zmq',
      address: zmqAddress(['pull', 'sub']),
      description: 'a socket',
      usesCodec: true,
      options: object(
        { socket: { enum: ['pull', 'sub'], default: 'pull' }, connect: { type: 'string' }, bind: { type: 'string' } },
        { anyOf: [{ required: ['connect'] }, { required: ['bind'] }] },
      ),
      create: never,
    },
    {
      type: 'sim',
      description: 'a simulation',
      usesCodec: false,
      options: object({
        shape: { type: 'array', items: { type: 'integer', minimum: 1 }, minItems: 2, maxItems: 2 },
        frames: { type: 'integer', minimum: 0 },
        rate: { type: 'number' },
        loop: { anyOf: [{ type: 'boolean' }, { type: 'integer', minimum: 1 }] },
        pattern: { type: 'string' },
      }),
      create: never,
    },
    {
      type: 'file',
      address: pathAddress('file'),
      description: 'a file',
      usesCodec: false,
      options: object({ path: { type: 'string' }, file: { type: 'string' } }),
      create: never,
    },
  ]),
  sinks: byType<EgressDefinition>([
    {
      type: 'zmq',
      address: zmqAddress(['push', 'pub']),
      description: 'a socket',
      usesCodec: true,
      batch: 1,
      options: object({ socket: { enum: ['push', 'pub'], default: 'push' }, connect: { type: 'string' }, bind: { type: 'string' } }),
      create: never,
    },
    {
      type: 'redis',
      address: REDIS_ADDRESS,
      description: 'a stream',
      usesCodec: true,
      batch: 1,
      options: object(
        { url: { type: 'string' }, stream: { type: 'string' }, channel: { type: 'string' }, maxlen: { type: 'integer', minimum: 1 } },
        { required: ['url'], oneOf: [{ required: ['stream'] }, { required: ['channel'] }] },
      ),
      create: never,
    },
    {
      type: 'kafka',
      address: KAFKA_ADDRESS,
      description: 'a topic',
      usesCodec: true,
      batch: 1,
      options: object({ brokers: { type: 'array', items: { type: 'string' } }, topic: { type: 'string' }, acks: { type: 'boolean' } }),
      create: never,
    },
    {
      type: 'file',
      address: pathAddress('file'),
      description: 'files',
      usesCodec: false,
      batch: 1,
      options: object({ path: { type: 'string' }, format: { type: 'string' } }),
      create: never,
    },
    { type: 'print', description: 'lines', usesCodec: false, batch: 1, options: object({}), create: never },
    { type: 'null', description: 'nothing', usesCodec: false, batch: 1, options: object({}), create: never },
  ]),
  operators: byType<OperatorDefinition>([
    { type: 'rebin', description: 'sums', parameters: object({ factor: { type: 'integer', minimum: 1, default: 2 } }), create: never },
    { type: 'mask', description: 'masks', parameters: object({ file: { type: 'string' }, below: { type: 'number' } }), create: never },
    {
      type: 'crop',
      description: 'a region',
      parameters: object({ region: { type: 'array', items: { type: 'integer' } }, name: { type: 'string' } }),
      create: never,
    },
    {
      type: 'accumulate',
      description: 'a mean',
      stateful: true,
      parameters: object({ frames: { type: 'integer', minimum: 1 } }, { required: ['frames'] }),
      create: never,
    },
  ]),
  codecs: new Map(['array-1.0', 'msgpack'].map((name) => [name, codec(name)])),
};
