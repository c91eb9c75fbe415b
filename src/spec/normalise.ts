import type { Place } from '../errors/errors.js';
import { DEFAULT_FAIL_ON, failOnOf } from '../observe/fail-on.js';
import { parseByteSize } from './byte-size.js';
import type { KeyPath } from './key-path.js';
import { requiredSinks } from './required-sinks.js';
import {
  DEFAULTS,
  type EdgeOrder,
  type EdgeSpec,
  type KeySpec,
  type Overflow,
  type OverflowKind,
  type ParcelSpec,
  type PipelineSpec,
} from './spec.js';

type Raw = Readonly<Record<string, unknown>>;
type PlaceOf = (path: KeyPath) => Place;

const EDGE_KEYS = ['from', 'overflow', 'capacity', 'order', 'window'];

/**
 * Data that the schema and the link checks accepted, as a spec with every default filled in. `given` is the same as the
 * author wrote it, before the schema filled in anything.
 */
export function normalise(raw: Raw, given: Raw, baseDir: string, placeOf: PlaceOf): PipelineSpec {
  const metrics = raw.metrics as { port: number; host?: string } | undefined;
  const letters = raw.deadLetters as { directory: string; maxFiles?: number } | undefined;
  const stages = mapValues(raw.stages, (stage, name) => ({
    ...edge(stage, nodeOf(given.stages, name)),
    workers: number(stage.workers, DEFAULTS.workers),
    exclusive: (stage.exclusive as boolean | undefined) ?? DEFAULTS.exclusive,
    ...optional('key', keyOf(stage.key)),
    deterministic: (stage.deterministic as boolean | undefined) ?? DEFAULTS.deterministic,
    shards: number(stage.shards, DEFAULTS.shards),
    attempts: number(stage.attempts, DEFAULTS.attempts),
    stallMs: number(stage.stallMs, DEFAULTS.stallMs),
    setupMs: number(stage.setupMs, DEFAULTS.setupMs),
    concurrency: number(stage.concurrency, DEFAULTS.concurrency),
    ...optional('slots', stage.slots as number | undefined),
    operators: ((stage.operators ?? []) as Raw[]).map((operator, index) => ({
      type: String(operator.type),
      params: without(operator, ['type']),
      place: placeOf(['stages', name, 'operators', index]),
    })),
    place: placeOf(['stages', name]),
  }));
  const sinks = mapValues(raw.sinks, (sink, name) => ({
    type: String(sink.type),
    options: without(sink, ['type', 'codec', 'required', ...EDGE_KEYS]),
    codec: String(sink.codec ?? DEFAULTS.codec),
    ...edge(sink, nodeOf(given.sinks, name)),
    required: DEFAULTS.required,
    place: placeOf(['sinks', name]),
  }));
  const required = requiredSinks(stages, sinks, (name) => nodeOf(given.sinks, name).required as boolean | undefined);
  return {
    version: 1,
    name: (raw.name as string | undefined) ?? DEFAULTS.name,
    sources: mapValues(raw.sources, (source, name) => ({
      type: String(source.type),
      options: without(source, ['type', 'codec', 'maxFrame', 'slots', 'seriesTimeoutMs', 'parcel']),
      codec: String(source.codec ?? DEFAULTS.codec),
      ...optional('maxFrameBytes', parseByteSize(source.maxFrame)),
      ...optional('slots', source.slots as number | undefined),
      ...optional('seriesTimeoutMs', source.seriesTimeoutMs as number | undefined),
      ...optional('parcel', parcel(source.parcel as Raw | undefined)),
      place: placeOf(['sources', name]),
    })),
    stages,
    sinks: byName(Object.entries(sinks).map(([name, sink]) => [name, { ...sink, required: required.get(name)! }])),
    ...optional('metrics', metrics && { port: metrics.port, host: metrics.host ?? DEFAULTS.metricsHost }),
    ...optional(
      'deadLetters',
      letters && {
        directory: letters.directory,
        maxFiles: number(letters.maxFiles, DEFAULTS.maxLetters),
        place: placeOf(['deadLetters']),
      },
    ),
    ...optional('memoryBytes', parseByteSize(raw.memory)),
    drainMs: number((raw.drain as Raw | undefined)?.deadlineMs, DEFAULTS.drainMs),
    failOn: failOn(raw),
    baseDir,
  };
}

/** A batch over files fails by what it cannot read. */
function failOn(raw: Raw): PipelineSpec['failOn'] {
  const given = raw.failOn as string | readonly string[] | undefined;
  if (given !== undefined) return failOnOf([given].flat() as string[]);
  const readsFiles = Object.values(raw.sources as Record<string, Raw>).some(({ type }) => type === 'file');
  return readsFiles ? [...DEFAULT_FAIL_ON, 'unreadable'] : DEFAULT_FAIL_ON;
}

function parcel(raw: Raw | undefined): ParcelSpec | undefined {
  return raw && { bytes: parseByteSize(raw.bytes) ?? DEFAULTS.parcelBytes, waitUs: number(raw.waitUs, DEFAULTS.parcelWaitUs) };
}

function edge(node: Raw, given: Raw): EdgeSpec {
  return {
    from: [node.from].flat() as string[],
    overflow: overflow(node.overflow),
    capacity: number(node.capacity, DEFAULTS.capacity),
    capacityGiven: given.capacity !== undefined,
    order: (node.order as EdgeOrder | undefined) ?? DEFAULTS.order,
    ...optional('window', node.window as number | undefined),
  };
}

function nodeOf(section: unknown, name: string): Raw {
  return (section as Record<string, Raw>)[name]!;
}

function overflow(value: unknown): Overflow {
  if (typeof value === 'object' && value !== null) return { kind: 'sample', n: (value as { sample: number }).sample };
  return { kind: (value as OverflowKind | undefined) ?? DEFAULTS.overflow };
}

function keyOf(value: unknown): KeySpec | undefined {
  if (value === 'source') return { kind: 'source' };
  if (value === undefined) return undefined;
  const { ordinal, meta } = value as { ordinal?: number; meta?: string };
  return meta === undefined ? { kind: 'ordinal', block: ordinal! } : { kind: 'meta', name: meta };
}

function number(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

function optional<K extends string, V>(key: K, value: V | undefined): { [key in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [key in K]?: V };
}

function without(raw: Raw, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(raw).filter(([key]) => !keys.includes(key)));
}

function mapValues<T>(section: unknown, make: (value: Raw, name: string) => T): Record<string, T> {
  return byName(Object.entries((section ?? {}) as Record<string, Raw>).map(([name, value]) => [name, make(value, name)]));
}

/** Without a prototype: a node may be named `constructor` or `toString`, and no other has these names. */
function byName<T>(entries: readonly (readonly [string, T])[]): Record<string, T> {
  return Object.assign(Object.create(null) as Record<string, T>, Object.fromEntries(entries));
}
