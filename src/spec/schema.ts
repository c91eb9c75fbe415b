import { MAX_PARCEL_BYTES } from '../frame/parcel-layout.js';
import { FAIL_ON } from '../observe/fail-on.js';
import { BYTE_SIZE_PATTERN } from './byte-size.js';
import type { Registries } from './registries.js';
import { DEFAULTS, isModulePath } from './spec.js';

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Names of nodes: they appear in logs, labels of metrics and file names. */
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
    description: 'The source or stage that sends frames to this node, or a list of them.',
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
        properties: { sample: count('Keep the frames whose ordinal is a multiple of this.', 1, 0x7fffffff) },
        required: ['sample'],
        additionalProperties: false,
        title: '{ sample: N }',
      },
    ],
  },
  capacity: count('Largest number of frames that wait on the edge into this node.', 1, 65_536, DEFAULTS.capacity),
  order: { description: 'Whether frames arrive in the order of their source.', enum: ['preserve', 'none'], default: DEFAULTS.order },
  window: count('Cells of an ordered edge for each source; default: 4 for each worker before it, at least 8.', 1, 65_536),
};

const MODULE = { pattern: MODULE_PATTERN, title: 'the path of a module' };

export type NodeKind = 'source' | 'sink' | 'operator';

/**
 * The schema of a pipeline file, over everything that the registries know. `isUsed`: the options of other types are left out,
 * since the compiler of schemas needs a millisecond and more for each.
 */
export function pipelineSchema(registries: Registries, isUsed: (kind: NodeKind, type: string) => boolean = () => true): JsonSchema {
  const defs: Record<string, JsonSchema> = {};
  const codec = {
    description: 'Format of the messages.',
    default: DEFAULTS.codec,
    anyOf: [{ enum: [...registries.codecs.keys()].filter((name) => !isModulePath(name)) }, MODULE],
  };
  const sourceCommon = {
    maxFrame: {
      description:
        'Size of the largest frame, in bytes or with a unit; default: what the source knows, otherwise up to 32MiB, as memory allows.',
      anyOf: [
        { type: 'integer', minimum: 1, title: 'a number of bytes' },
        { type: 'string', pattern: BYTE_SIZE_PATTERN, title: "a size such as '16MiB'" },
      ],
    },
    slots: count('Slots in the pool of this source; default: as many as the plan needs.', 1, 0xffffff),
    parcel: {
      description: 'Combines small messages: one slot holds many of them, as the records of a parcel.',
      type: 'object',
      properties: {
        bytes: {
          description: 'Size of a parcel with the headers of its records, 4KiB to 16MiB.',
          anyOf: [
            { type: 'integer', minimum: 4096, maximum: MAX_PARCEL_BYTES, title: 'a number of bytes' },
            { type: 'string', pattern: BYTE_SIZE_PATTERN, title: "a size such as '64KiB'" },
          ],
          default: DEFAULTS.parcelBytes,
        },
        waitUs: count('Longest time that a record waits for others.', 0, 60_000_000, DEFAULTS.parcelWaitUs),
      },
      additionalProperties: false,
    },
    seriesTimeoutMs: count('A series ends as timed-out when nothing of it arrives for this time; default: no limit.', 1, 2_147_483_647),
  };
  const sinkCommon = {
    ...EDGE,
    required: {
      description:
        'Whether the run fails if this sink fails, and the ledger of a source counts the frames at this sink. Default: true; false behind an edge that drops, if another sink of the source is required.',
      type: 'boolean',
    },
  };
  for (const [type, source] of registries.sources) {
    if (!isUsed('source', type)) continue;
    const own = source.usesCodec ? { ...sourceCommon, codec } : sourceCommon;
    defs[defName('source', type)] = node(defName('source', type), { type, description: source.description }, source.options, own, []);
  }
  for (const [type, sink] of registries.sinks) {
    if (!isUsed('sink', type)) continue;
    const own = sink.usesCodec ? { ...sinkCommon, codec } : sinkCommon;
    defs[defName('sink', type)] = node(defName('sink', type), { type, description: sink.description }, sink.options, own, ['from']);
  }
  for (const [type, operator] of registries.operators) {
    if (!isUsed('operator', type)) continue;
    defs[defName('operator', type)] = node(
      defName('operator', type),
      { type, description: operator.description },
      operator.parameters,
      {},
      [],
    );
  }
  defs.source = choice('source', [...registries.sources.keys()], isUsed);
  defs.sink = choice('sink', [...registries.sinks.keys()], isUsed);
  defs.operator = choice('operator', [...registries.operators.keys()], isUsed);
  defs.stage = {
    description: 'Operators that run in order in each worker.',
    type: 'object',
    properties: {
      ...EDGE,
      workers: count('Number of worker threads.', 1, 32, DEFAULTS.workers),
      exclusive: { description: 'Whether the stage must have exactly one worker.', type: 'boolean', default: DEFAULTS.exclusive },
      key: {
        description: 'Frames with the same key go to the same worker, in order.',
        anyOf: [
          { const: 'source', title: 'source' },
          {
            type: 'object',
            properties: { ordinal: count('Number of consecutive ordinals with the same key.', 1, 0x7fffffff) },
            required: ['ordinal'],
            additionalProperties: false,
            title: '{ ordinal: N }',
          },
          {
            type: 'object',
            properties: { meta: { description: 'A key of the meta data.', type: 'string', minLength: 1 } },
            required: ['meta'],
            additionalProperties: false,
            title: '{ meta: NAME }',
          },
        ],
      },
      deterministic: {
        description: 'Whether aggregates are bit-identical for any number of workers and any timing.',
        type: 'boolean',
        default: DEFAULTS.deterministic,
      },
      shards: count('Number of partial results of a deterministic stage.', 1, 64, DEFAULTS.shards),
      attempts: count('Number of attempts before a frame is dead.', 1, 100, DEFAULTS.attempts),
      stallMs: count('Longest time of a worker for one frame; after it the worker is terminated.', 1, 86_400_000, DEFAULTS.stallMs),
      setupMs: count('Longest time of a worker to set up its operators.', 1, 86_400_000, DEFAULTS.setupMs),
      concurrency: count('Number of frames that an asynchronous worker processes at the same time.', 1, 64, DEFAULTS.concurrency),
      slots: count('Slots in the pool of this stage; default: as many as the plan needs.', 1, 0xffffff),
      operators: {
        description: 'Operators, in the order in which they run.',
        type: 'array',
        items: { $ref: '#/$defs/operator' },
        default: [],
      },
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
      sources: section('source', 1, 'the sources, by name: a letter, then letters, digits, `_` and `-`'),
      stages: section('stage', 0, 'the stages, by name'),
      sinks: section('sink', 1, 'the sinks, by name'),
      metrics: {
        description: 'Serves /metrics, /ready and /ping over HTTP; default: off.',
        type: 'object',
        properties: {
          port: count('TCP port; 0 chooses a free one.', 0, 65_535),
          host: { description: 'Address to listen at.', type: 'string', minLength: 1, default: DEFAULTS.metricsHost },
        },
        required: ['port'],
        additionalProperties: false,
      },
      deadLetters: {
        description: 'Keeps each dead frame in a file; default: off.',
        type: 'object',
        properties: {
          directory: { description: 'Folder of the files; created if it is missing.', type: 'string', minLength: 1 },
          maxFiles: count('Largest number of files in the folder.', 1, 65_536, DEFAULTS.maxLetters),
        },
        required: ['directory'],
        additionalProperties: false,
      },
      failOn: {
        description:
          'What makes a run fail (exit code 1), besides errors; default: dead and incomplete, and unreadable if a source reads files.',
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
          'Largest shared memory of the pipeline, in bytes or with a unit, at most 4GiB. Sizes that the file does not set are chosen to fit. Default: a quarter of the memory of the machine or container.',
        anyOf: [
          { type: 'integer', minimum: 1, title: 'a number of bytes' },
          { type: 'string', pattern: BYTE_SIZE_PATTERN, title: "a size such as '2GiB'" },
        ],
      },
      drain: {
        description: 'How a run ends.',
        type: 'object',
        properties: { deadlineMs: count('Longest time of the drain.', 1, 86_400_000, DEFAULTS.drainMs) },
        additionalProperties: false,
      },
    },
    required: ['version', 'sources', 'sinks'],
    additionalProperties: false,
    $defs: defs,
  };
}

function section(kind: string, minProperties: number, description: string): JsonSchema {
  return {
    description: `${description.charAt(0).toUpperCase()}${description.slice(1)}.`,
    type: 'object',
    propertyNames: { pattern: NAME_PATTERN },
    additionalProperties: { $ref: `#/$defs/${kind}` },
    ...(minProperties ? { minProperties } : { default: {} }),
  };
}

/** One of the registered types, each with its own keys, or a module that is not loaded yet, with any keys. */
function choice(kind: NodeKind, types: readonly string[], isUsed: (kind: NodeKind, type: string) => boolean): JsonSchema {
  const type = { ...TYPES, anyOf: [{ enum: types.filter((name) => !isModulePath(name)) }, MODULE] };
  const branches = types
    .filter((name) => isUsed(kind, name))
    .map((name) => ({
      if: { properties: { type: { const: name } }, required: ['type'] },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: { $ref: `#/$defs/${defName(kind, name)}` },
    }));
  return {
    type: 'object',
    properties: { type },
    required: ['type'],
    ...(branches.length > 0 && { allOf: branches }),
  };
}

/** The name of a type's own schema. Characters of a path that a reference cannot have are written as their numbers. */
function defName(kind: NodeKind, type: string): string {
  return `${kind}-${type.replace(/[^A-Za-z0-9.-]/g, (character) => `_${character.codePointAt(0)}_`)}`;
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
    // A schema with its own definitions keeps its `#` through its own identity.
    ...('$defs' in own ? { $id: `urn:millrace:${id}` } : {}),
    description: definition.description,
    additionalProperties: false,
    ...rest,
    type: 'object',
    properties: { type: { const: definition.type }, ...common, ...((properties ?? {}) as object) },
    required: ['type', ...required, ...((ownRequired ?? []) as string[])],
  };
}
