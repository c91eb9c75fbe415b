import type { Weights } from '../operators/random-fates.mjs';
import { resolveCase } from './describe-case.js';
import type { EdgeCase, EndCase, RandomCase, SinkCase, SourceCase, StageCase } from './random-case.js';

type Change = (random: RandomCase) => RandomCase;

const EDGE: EdgeCase = { overflow: 'block', capacity: 4, order: 'preserve' };
const SOURCE: SourceCase = { kind: 'sim', frames: 120, rate: 0, parcel: false, series: 0 };
const WEIGHTS: Weights = { pass: 200, three: 100, filter: 100 };
const STAGE: StageCase = { kind: 'work', from: [0], workers: 2, choice: 'none', weights: WEIGHTS, salt: 1, every: 10, edge: EDGE };
const SINK: SinkCase = { kind: 'iterate', from: [0], edge: EDGE, delayMs: 0 };
const slow = (random: RandomCase): RandomCase => ({
  ...random,
  sources: random.sources.map((one) => ({ ...SOURCE, ...one, kind: 'sim', frames: 200, rate: 1000 })),
});

const withStages = (random: RandomCase, ...stages: Partial<StageCase>[]): RandomCase => ({
  ...random,
  stages: [...stages.map((one) => ({ ...STAGE, ...one })), ...random.stages].slice(0, 4),
});
/** Reads what nobody else reads. */
const withSink = (random: RandomCase, sink: Partial<SinkCase> = {}): RandomCase => ({
  ...random,
  sinks: [{ ...SINK, ...sink }, ...random.sinks.slice(0, 2)],
});
const withSource = (random: RandomCase, source: Partial<SourceCase>): RandomCase => ({
  ...random,
  sources: [{ ...SOURCE, ...source }, ...random.sources.slice(1)],
});
const ending = (random: RandomCase, end: EndCase): RandomCase => ({ ...slow(random), end });
const dropping =
  (overflow: EdgeCase['overflow']): Change =>
  (random) =>
    withSink(withSource(random, { frames: 200 }), { delayMs: 2, edge: { ...EDGE, overflow, capacity: 2 } });
const atMs = 60;

/** What a case has whatever was drawn, so that each kind comes in every lot. */
export const THEMES: Readonly<Record<string, Change>> = {
  'fan-out': (random) => withStages(random, { from: [0] }, { from: [0], salt: 2 }),
  'fan-in': (random) => withStages({ ...random, sources: [SOURCE, { ...SOURCE, kind: 'push' }] }, { from: [0, 1] }),
  'join of branches': (random) => withStages(withSource(random, {}), { from: [0] }, { kind: 'join-ordinal', salt: 3 }),
  'join of sources': (random) => withStages({ ...random, sources: [SOURCE, { ...SOURCE, frames: 100 }] }, { kind: 'join-frame' }),
  'aggregate of every N': (random) => withStages(random, { kind: 'merge' }),
  'aggregate by partials': (random) => withStages(random, { kind: 'collect' }),
  'deterministic aggregate': (random) => withStages(random, { kind: 'collect', choice: 'deterministic' }),
  'keyed by ordinal': (random) => withStages(random, { choice: 'ordinal' }),
  'keyed by source': (random) => withStages(random, { choice: 'source' }),
  'keyed by meta': (random) => withStages(withSource(random, { kind: 'push' }), { choice: 'meta' }),
  parcels: (random) => withStages(withSource(random, { parcel: true, frames: 200 }), {}),
  'drop-newest': dropping('drop-newest'),
  'drop-oldest': dropping('drop-oldest'),
  latest: dropping('latest'),
  sample: dropping({ sample: 2 }),
  asynchronous: (random) => withStages(random, { kind: 'async' }),
  throws: (random) => withStages(random, { weights: { throw: 100, throwOnce: 100, three: 100 } }),
  exits: (random) => withStages(withSource(random, {}), { weights: { ...WEIGHTS, exit: 30 } }),
  loops: (random) => withStages(withSource(random, {}), { weights: { loop: 15 } }),
  allocates: (random) => withStages(random, { weights: { allocate: 200 } }),
  'killed worker': (random) => withStages({ ...slow(random), kills: [{ atMs, node: 'worker', which: 0 }, ...random.kills] }, {}),
  'killed source': (random) => withSource({ ...slow(random), kills: [{ atMs, node: 'source', which: 0 }] }, { rate: 1000 }),
  'killed sink': (random) => withSink({ ...slow(random), kills: [{ atMs, node: 'sink', which: 0 }] }, { kind: 'file' }),
  series: (random) => withSource(random, { series: 30 }),
  stop: (random) => ending(random, { kind: 'stop', atMs }),
  abort: (random) => ending(random, { kind: 'abort', atMs }),
  deadline: (random) => withSink(ending(random, { kind: 'deadline', atMs }), { delayMs: 5, edge: { ...EDGE, capacity: 64 } }),
  'sink failure': (random) => withSink(ending(random, { kind: 'sink-failure', atMs })),
  'reader leaves': (random) => withSink({ ...random, end: { kind: 'reader-leaves', after: 20 } }),
};

/** The kinds that are in a case, whether by its theme or by chance. */
export function kindsIn(random: RandomCase): Set<string> {
  const { sources, stages, sinks } = resolveCase(random);
  const kinds = new Set<string>([random.end.kind]);
  const readers = new Map<string, number>();
  for (const { from, is } of [...stages, ...sinks]) {
    const { overflow } = is.edge;
    kinds.add(typeof overflow === 'object' ? 'sample' : overflow);
    if (from.length > 1 && !('salt' in is && is.kind.startsWith('join'))) kinds.add('fan-in');
    for (const name of from) readers.set(name, (readers.get(name) ?? 0) + 1);
  }
  if ([...readers.values()].some((n) => n > 1)) kinds.add('fan-out');
  for (const { is } of sources) {
    kinds.add(is.kind);
    if (is.parcel) kinds.add('parcel');
    if (is.series > 0 && is.kind === 'sim') kinds.add('series');
  }
  for (const { is } of stages) {
    kinds.add(is.kind);
    const keyed = ['ordinal', 'source', 'meta'].includes(is.choice) && (is.kind === 'work' || is.kind === 'async');
    if (keyed) kinds.add(`key ${is.choice}`);
    if (is.kind === 'collect' && is.choice === 'deterministic') kinds.add('deterministic');
    for (const [fate, weight] of Object.entries(is.weights)) if (weight > 0) kinds.add(fate);
  }
  for (const { is } of sinks) kinds.add(is.kind);
  return kinds;
}
