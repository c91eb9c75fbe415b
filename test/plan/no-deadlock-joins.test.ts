import { beforeAll, describe, expect, it } from 'vitest';
import { plan } from '../../src/plan/plan.js';
import { specFromObject } from '../../src/spec/load.js';
import { runPlan } from '../support/seeded/run-plan.js';
import { registerSeeded } from '../support/seeded/seeded-operators.js';

const FRAMES = 60;
const SEEDS = 20;

beforeAll(() => registerSeeded());

const source = (rest: object = {}): object => ({ type: 'sim', pattern: 'counter', shape: [1, 16], dtype: 'uint8', ...rest });
/** The tightest: one place where a capacity allows it, and windows of one. */
const edge = { capacity: 1, window: 1 };
const stage = (from: string | string[], workers: number, rest: object = {}, type = 'sim-1'): object => ({
  from,
  workers,
  ...edge,
  operators: [{ type }],
  ...rest,
});
const join = (from: string[], by: object = { by: 'ordinal' }, rest: object = {}): object => ({
  from,
  ...edge,
  operators: [{ type: 'join', as: 'list', ...by }, { type: 'sim-1' }],
  ...rest,
});
const sink = (from: string | string[], rest: object = {}): object => ({ type: 'sim-1', from, ...edge, ...rest });
const FRAME = { by: 'frame', waitMs: 1000 };
/** Of some frames nothing comes, the last among them. */
const filtering = { operators: [{ type: 'sim-1', salt: 0, filters: true }] };
const one = { s: source() };
const two = { s: source(), t: source() };

interface Shape {
  readonly what: string;
  readonly sources: object;
  readonly stages: object;
  readonly sinks: object;
  /** Some frames are filtered or dropped, so that others have no partner. */
  readonly loses?: true;
}

const SHAPES: readonly Shape[] = [
  {
    what: 'a join of unequal branches, each with the fewest slots, behind a source with one slot',
    sources: { s: source({ slots: 1 }) },
    stages: { a: stage('s', 4, { slots: 1 }), b: stage('s', 1, { slots: 1 }), c: stage('b', 3, { slots: 1 }), j: join(['a', 'c']) },
    sinks: { k: sink('j') },
  },
  {
    what: 'a join of a source with what four workers make of it, with chains of three',
    sources: { s: source({ slots: 1 }) },
    stages: { a: stage('s', 4, { slots: 9 }, 'sim-3'), j: join(['a', 's']) },
    sinks: { k: sink('j') },
  },
  {
    what: 'a join with a branch that filters',
    sources: one,
    stages: { a: stage('s', 3, filtering), b: stage('s', 2), j: join(['a', 'b']) },
    sinks: { k: sink('j'), l: sink('a') },
    loses: true,
  },
  {
    what: 'a join with a branch that drops',
    sources: one,
    stages: { a: stage('s', 2, { overflow: 'drop-oldest' }), b: stage('s', 2), j: join(['a', 'b']) },
    sinks: { k: sink('j') },
    loses: true,
  },
  {
    what: 'a join of joins with a branch in common',
    sources: { s: source({ slots: 1 }) },
    stages: {
      a: stage('s', 2, { slots: 1 }),
      b: stage('s', 3, { slots: 1 }),
      c: stage('s', 2, { slots: 1 }),
      i: join(['a', 'b'], undefined, { slots: 1 }),
      j: join(['c', 'b'], undefined, { slots: 1 }),
      m: join(['i', 'j'], undefined, { slots: 1 }),
    },
    sinks: { k: sink('m') },
  },
  {
    what: 'two joins of two branches crosswise',
    sources: { s: source({ slots: 1 }) },
    stages: { a: stage('s', 3, { slots: 1 }), b: stage('s', 3, { slots: 1 }), i: join(['a', 'b']), j: join(['b', 'a']) },
    sinks: { k: sink('i'), l: sink('j') },
  },
  {
    what: 'two joins of two sources crosswise',
    sources: { s: source({ slots: 1 }), t: source({ slots: 1 }) },
    stages: { i: join(['s', 't'], FRAME), j: join(['t', 's'], FRAME) },
    sinks: { k: sink('i'), l: sink('j') },
  },
  {
    what: 'two joins of two sources crosswise, behind workers that filter',
    sources: two,
    stages: { a: stage('s', 3, filtering), b: stage('t', 2), i: join(['a', 'b'], FRAME), j: join(['b', 'a'], FRAME) },
    sinks: { k: sink('i'), l: sink('j') },
    loses: true,
  },
  {
    what: 'three joins of three sources in a ring',
    sources: { s: source({ slots: 1 }), t: source({ slots: 1 }), u: source({ slots: 1 }) },
    stages: { h: join(['s', 't'], FRAME), i: join(['t', 'u'], FRAME), j: join(['u', 's'], FRAME) },
    sinks: { k: sink('h'), l: sink('i'), m: sink('j') },
  },
  {
    what: 'a join behind stages with a key, in blocks of many frames',
    sources: { s: source({ slots: 1 }) },
    stages: { a: stage('s', 3, { key: { ordinal: 7 } }), b: stage('s', 2, { key: { ordinal: 3 } }), j: join(['a', 'b']) },
    sinks: { k: sink('j') },
  },
  {
    what: 'a stage with a key in any order behind four workers, before a sink in any order',
    sources: one,
    stages: { a: stage('s', 4, { slots: 1 }), b: stage('a', 3, { key: { ordinal: 5 }, order: 'none' }) },
    sinks: { k: sink('b', { order: 'none' }) },
  },
  {
    what: 'a stage with a key that takes two sources, before an ordered sink',
    sources: two,
    stages: { a: stage(['s', 't'], 3, { key: { ordinal: 4 } }, 'sim-1-passes'), b: stage('a', 2, { slots: 1 }) },
    sinks: { k: sink('b') },
  },
];

describe('an accepted pipeline with the tightest edges ends, and joins find what is under way', () => {
  for (const { what, loses, ...nodes } of SHAPES)
    it(what, async () => {
      const { plan: planned } = await plan(specFromObject({ version: 1, ...nodes }));
      for (let seed = 0; seed < SEEDS; seed++) {
        const outcome = await runPlan(planned, { seed, frames: FRAMES, holdLowest: seed % 2 === 0 });
        expect(outcome.locked, `seed ${seed}`).toBeUndefined();
        expect(outcome.freeSlots).toBe(planned.slots);
        for (const { received, inFlight, counts } of outcome.ledgers) {
          expect({ received, inFlight }).toEqual({ received: FRAMES, inFlight: 0 });
          if (!loses) expect(Object.keys(counts).filter((name) => name !== 'delivered' && name !== 'merged')).toEqual([]);
        }
        if (!loses) expect(outcome.timesWaited).toBe(0);
      }
    });
});
