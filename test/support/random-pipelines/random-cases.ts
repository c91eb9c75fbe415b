import fc from 'fast-check';
import type { EdgeCase, EndCase, KillCase, RandomCase, SinkCase, SourceCase, StageCase } from './random-case.js';

const links = fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 2 });
const overflow = fc.oneof(
  { arbitrary: fc.constant<EdgeCase['overflow']>('block'), weight: 9 },
  fc.constantFrom<EdgeCase['overflow']>('drop-newest', 'drop-oldest', 'latest', { sample: 2 }),
);
const edge: fc.Arbitrary<EdgeCase> = fc.record({
  overflow,
  capacity: fc.constantFrom(2, 4, 64),
  order: fc.constantFrom('preserve', 'preserve', 'preserve', 'none'),
});

const source: fc.Arbitrary<SourceCase> = fc.record({
  kind: fc.constantFrom('sim', 'sim', 'push'),
  frames: fc.integer({ min: 20, max: 200 }),
  rate: fc.constantFrom(0, 0, 1000),
  parcel: fc.integer({ min: 0, max: 3 }).map((n) => n === 3),
  series: fc.constantFrom(0, 0, 0, 0, 30),
});

/** Mostly what harms nobody. */
const weights = fc.record({
  pass: fc.constantFrom(0, 200, 1000),
  three: fc.constantFrom(0, 0, 150),
  filter: fc.constantFrom(0, 100, 300),
  allocate: fc.constantFrom(0, 0, 20),
  throwOnce: fc.constantFrom(0, 30),
  throw: fc.constantFrom(0, 0, 30),
});

const stage: fc.Arbitrary<StageCase> = fc.record({
  kind: fc.constantFrom('work', 'work', 'work', 'async', 'merge', 'collect', 'join-ordinal', 'join-frame'),
  from: links,
  workers: fc.constantFrom(1, 1, 2, 3),
  choice: fc.constantFrom('none', 'none', 'none', 'ordinal', 'source', 'meta', 'deterministic'),
  weights,
  salt: fc.nat({ max: 1000 }),
  every: fc.integer({ min: 2, max: 40 }),
  edge,
});

const sink: fc.Arbitrary<SinkCase> = fc.record({
  kind: fc.constantFrom('iterate', 'iterate', 'file', 'null'),
  from: links,
  edge,
  delayMs: fc.constantFrom(0, 0, 0, 1),
});

const kill: fc.Arbitrary<KillCase> = fc.record({
  atMs: fc.nat({ max: 200 }),
  node: fc.constantFrom('source', 'worker', 'worker', 'sink'),
  which: fc.nat({ max: 5 }),
});
const end: fc.Arbitrary<EndCase> = fc.oneof(
  { arbitrary: fc.constant<EndCase>({ kind: 'natural' }), weight: 6 },
  fc.record({ kind: fc.constantFrom('stop', 'abort', 'deadline', 'sink-failure'), atMs: fc.nat({ max: 200 }) }),
  fc.record({ kind: fc.constant('reader-leaves'), after: fc.integer({ min: 1, max: 40 }) }),
);

/** Any case. Shrinks towards one source, no stage, one sink, and an end that comes by itself. */
export const anyCase: fc.Arbitrary<RandomCase> = fc.record({
  sources: fc.array(source, { minLength: 1, maxLength: 2 }),
  stages: fc.array(stage, { maxLength: 3 }),
  sinks: fc.array(sink, { minLength: 1, maxLength: 2 }),
  kills: fc.oneof({ arbitrary: fc.constant([]), weight: 3 }, fc.array(kill, { maxLength: 4 })),
  end,
});
