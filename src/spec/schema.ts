import { MAX_PARCEL_BYTES } from '../frame/parcel-layout.js';
import { FAIL_ON } from '../observe/fail-on.js';
import { BYTE_SIZE_PATTERN } from './byte-size.js';
import type { Registries } from './registries.js';
import { DEFAULTS } from './spec.js';

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Names of nodes: they stand in logs, labels of metrics and file names. */
const NAME_PATTERN = '^[A-Za-z][A-Za-z0-9_-]{0,63}$';
/** The same rule as `isModulePath`. */
export const MODULE_PATTERN = '^(\\./|\\.\\./|/|file:)';

const count = (description: string, minimum: number, maximum: number, value?: number): JsonSchema => ({
  description,
  type: 'integer',
  minimum,
  maximum,
  ...(value === undefined ? {} : { default: value }),
});

const TYPES = { type: ['string'], minLength: 1 };

const EDGE: Readonly<Record<string, JsonSchema>> = {
  from: {
    description: 'The source or stage that this node takes from, or a list of them.',
    anyOf: [
      { type: 'string', minLength: 1, title: 'a name' },
      { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1, uniqueItems: true, title: 'a list of names' },
    ],
  },
  overflow: {
    description: 'What happens when the edge into this node is full.',
    default: DEFAULTS.overflow,
    anyOf: [
      { enum: ['block', 'drop-newest', 'drop-oldest', 'latest'], title: 'block, drop-newest, drop-oldest, latest' },
      {
        type: 'object',
        properties: { sample: count('Keep the ordinals divisible by this.', 1, 0x7fffffff) },
        required: ['sample'],
        additionalProperties: false,
        title: '{ sample: N }',
      },
    ],
  },
  capacity: count('Most frames that wait on the edge into this node.', 1, 65_536, DEFAULTS.capacity),
  order: { description: 'Whether frames arrive in the order of their source.', enum: ['preserve', 'none'], default: DEFAULTS.order },
  window: count('Cells of an ordered edge, per source; by default 4 for each worker before it, at least 8.', 1, 65_536),
};

export type NodeKind = 'source' | 'sink' | 'operator';

/**
 * The schema of a pipeline file, over everything that the registries know. `isUsed`: the options of other types are left out,
 * since the compiler of schemas needs a millisecond and more for each.
 */
export function pipelineSchema(registries: Registries, isUsed: (kind: NodeKind, type: string) => boolean = () => true): JsonSchema {
  const defs: Record<string, JsonSchema> = {};
  const codec = { description: 'How a message is laid out.', enum: [...registries.codecs.keys()], default: DEFAULTS.codec };
  const sourceCommon = {
    maxFrame: {
      description: 'Largest payload, in bytes or with a unit; by default what the source knows, else up to 32MiB, as the memory allows.',
      anyOf: [
        { type: 'integer', minimum: 1, title: 'a number of bytes' },
        { type: 'string', pattern: BYTE_SIZE_PATTERN, title: "a size such as '16MiB'" },
      ],
    },
    slots: count('Slots of the pool of this source; by default as many as the plan needs.', 1, 0xffffff),
    parcel: {
      description: 'Puts small messages together: one hand-off carries many of them, as records of a parcel.',
      type: 'object',
      properties: {
        bytes: {
          description: 'Size of a parcel, heads of records included: 4KiB to 16MiB.',
          anyOf: [
            { type: 'integer', minimum: 4096, maximum: MAX_PARCEL_BYTES, title: 'a number of bytes' },
            { type: 'string', pattern: BYTE_SIZE_PATTERN, title: "a size such as '64KiB'" },
          ],
          default: DEFAULTS.parcelBytes,
        },
        waitUs: count('Longest time that a record waits for others, in microseconds.', 0, 60_000_000, DEFAULTS.parcelWaitUs),
      },
      additionalProperties: false,
    },
    seriesTimeoutMs: count(
      'A series of which nothing comes for so long ends as timed-out; by default it waits for its end.',
      1,
      2_147_483_647,
    ),
  };
  const sinkCommon = {
    ...EDGE,
    required: {
      description:
        'The ledger of a source counts what becomes of its frames here, and a failure of this sink fails the run. By default true, but false behind an edge that drops where another sink of the source is required.',
      type: 'boolean',
    },
  };
  for (const source of registries.sources.values()) {
    if (!isUsed('source', source.type)) continue;
    const own = source.usesCodec ? { ...sourceCommon, codec } : sourceCommon;
    defs[`source-${source.type}`] = node(`source-${source.type}`, source, source.options, own, []);
  }
  for (const sink of registries.sinks.values()) {
    if (!isUsed('sink', sink.type)) continue;
    const own = sink.usesCodec ? { ...sinkCommon, codec } : sinkCommon;
    defs[`sink-${sink.type}`] = node(`sink-${sink.type}`, sink, sink.options, own, ['from']);
  }
  for (const operator of registries.operators.values()) {
    if (!isUsed('operator', operator.type)) continue;
    defs[`operator-${operator.type}`] = node(`operator-${operator.type}`, operator, operator.parameters, {}, []);
  }
  defs.source = choice('source', [...registries.sources.keys()], isUsed);
  defs.sink = choice('sink', [...registries.sinks.keys()], isUsed);
  defs.operator = choice('operator', [...registries.operators.keys()], isUsed, MODULE_PATTERN);
  defs.stage = {
    description: 'Operators that run one after the other on one worker.',
    type: 'object',
    properties: {
      ...EDGE,
      workers: count('Threads of this stage.', 1, 32, DEFAULTS.workers),
      exclusive: { description: 'One worker; more are refused.', type: 'boolean', default: DEFAULTS.exclusive },
      key: {
        description: 'What decides which worker takes a frame: frames of one key always go to the same one, in order.',
        anyOf: [
          { const: 'source', title: 'source' },
          {
            type: 'object',
            properties: { ordinal: count('Blocks of so many consecutive ordinals.', 1, 0x7fffffff) },
            required: ['ordinal'],
            additionalProperties: false,
            title: '{ ordinal: N }',
          },
          {
            type: 'object',
            properties: { meta: { description: 'A key of the meta.', type: 'string', minLength: 1 } },
            required: ['meta'],
            additionalProperties: false,
            title: '{ meta: NAME }',
          },
        ],
      },
      deterministic: {
        description: 'Aggregates come out bit-identical, whatever the number of workers and the timing.',
        type: 'boolean',
        default: DEFAULTS.deterministic,
      },
      shards: count('Partials of a deterministic stage.', 1, 64, DEFAULTS.shards),
      attempts: count('How often a frame is tried before it is dead.', 1, 100, DEFAULTS.attempts),
      stallMs: count('Longest time that a worker may take for one frame.', 1, 86_400_000, DEFAULTS.stallMs),
      setupMs: count('Longest time that a worker may take to set up its operators.', 1, 86_400_000, DEFAULTS.setupMs),
      concurrency: count('Frames under way at once in one worker of an asynchronous chain.', 1, 64, DEFAULTS.concurrency),
      slots: count('Slots of the pool of this stage; by default as many as the plan needs.', 1, 0xffffff),
      operators: { type: 'array', items: { $ref: '#/$defs/operator' }, default: [] },
    },
    required: ['from'],
    additionalProperties: false,
  };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Millrace pipeline, version 1',
    type: 'object',
    properties: {
      version: { description: 'Version of the pipeline file.', const: 1 },
      name: { description: 'Name of the pipeline.', type: 'string', pattern: NAME_PATTERN, default: DEFAULTS.name },
      sources: section('source', 1),
      stages: section('stage', 0),
      sinks: section('sink', 1),
      metrics: {
        description: 'Serves /metrics, /ready and /ping; absent: off.',
        type: 'object',
        properties: {
          port: count('TCP port; 0 takes a free one.', 0, 65_535),
          host: { type: 'string', minLength: 1, default: DEFAULTS.metricsHost },
        },
        required: ['port'],
        additionalProperties: false,
      },
      deadLetters: {
        description: 'Keeps frames that died, one file a frame; absent: off.',
        type: 'object',
        properties: {
          directory: { description: 'Folder of the files; made where it is missing.', type: 'string', minLength: 1 },
          maxFiles: count('Most files that the folder may hold.', 1, 65_536, DEFAULTS.maxLetters),
        },
        required: ['directory'],
        additionalProperties: false,
      },
      failOn: {
        description:
          'What makes a run fail (exit 1), beside errors; by default dead and incomplete, and unreadable where a source reads files.',
        anyOf: [
          { enum: [...FAIL_ON, 'none'], title: `one of ${FAIL_ON.join(', ')}, none` },
          {
            type: 'array',
            items: { enum: [...FAIL_ON] },
            minItems: 1,
            uniqueItems: true,
            title: `a list of ${FAIL_ON.join(', ')}`,
          },
        ],
      },
      memory: {
        description:
          'Most shared memory that the pipeline may use, in bytes or with a unit, at most 4GiB. Sizes that the file does not give are chosen to fit. By default a quarter of the memory of the machine or container.',
        anyOf: [
          { type: 'integer', minimum: 1, title: 'a number of bytes' },
          { type: 'string', pattern: BYTE_SIZE_PATTERN, title: "a size such as '2GiB'" },
        ],
      },
      drain: {
        description: 'How a run is brought to its end.',
        type: 'object',
        properties: { deadlineMs: count('Longest time that the drain may take.', 1, 86_400_000, DEFAULTS.drainMs) },
        additionalProperties: false,
      },
    },
    required: ['version', 'sources', 'sinks'],
    additionalProperties: false,
    $defs: defs,
  };
}

function section(kind: string, minProperties: number): JsonSchema {
  return {
    type: 'object',
    propertyNames: { pattern: NAME_PATTERN },
    additionalProperties: { $ref: `#/$defs/${kind}` },
    ...(minProperties ? { minProperties } : { default: {} }),
  };
}

/** One of the registered types, each with its own keys; with `pattern`, also any type that matches it, with any keys. */
function choice(kind: NodeKind, types: readonly string[], isUsed: (kind: NodeKind, type: string) => boolean, pattern?: string): JsonSchema {
  const type = pattern ? { ...TYPES, anyOf: [{ enum: types }, { pattern, title: 'the path of a module' }] } : { enum: types };
  const branches = types
    .filter((name) => isUsed(kind, name))
    .map((name) => ({
      if: { properties: { type: { const: name } }, required: ['type'] },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: { $ref: `#/$defs/${kind}-${name}` },
    }));
  return {
    type: 'object',
    properties: { type },
    required: ['type'],
    ...(branches.length > 0 && { allOf: branches }),
  };
}

/** A type's own schema with `type` and the keys of its section added. */
function node(
  id: string,
  definition: { type: string; description: string },
  own: JsonSchema,
  common: Readonly<Record<string, JsonSchema>>,
  required: readonly string[],
): JsonSchema {
  const { $schema: _, properties, required: ownRequired, ...rest } = own;
  return {
    // A schema with definitions of its own keeps its `#` by an identity of its own.
    ...('$defs' in own ? { $id: `urn:millrace:${id}` } : {}),
    description: definition.description,
    additionalProperties: false,
    ...rest,
    type: 'object',
    properties: { type: { const: definition.type }, ...common, ...((properties ?? {}) as object) },
    required: ['type', ...required, ...((ownRequired ?? []) as string[])],
  };
}
