import { beforeAll, describe, expect, it } from 'vitest';
import { plan } from '../../src/plan/plan.js';
import { specFromObject } from '../../src/spec/load.js';
import type { PipelineSpec } from '../../src/spec/spec.js';
import { type Outcome, runPlan } from '../support/seeded/run-plan.js';
import { registerSeeded } from '../support/seeded/seeded-operators.js';

const FRAMES = 60;
const SEEDS = 20;

beforeAll(() => registerSeeded());

const source = { type: 'sim', pattern: 'counter', shape: [1, 16], dtype: 'uint8' };
const stage = (from: string | string[], workers: number, type = 'sim-1', rest: object = {}): object => ({
  from,
  workers,
  capacity: 2,
  window: 4,
  operators: [{ type }],
  ...rest,
});
const sink = (from: string | string[], rest: object = {}): object => ({ type: 'sim-4', from, capacity: 2, window: 4, ...rest });

interface Refused {
  readonly rule: string;
  readonly nodes: { readonly sources?: object; readonly stages: object; readonly sinks: object };
  /** Word of the refusal. */
  readonly says: RegExp;
}

const NONE = { order: 'none' };

/** What would come of each is that nobody can move. */
const LOCKS: readonly Refused[] = [
  {
    rule: 'order behind two workers that take what two others finish',
    nodes: { stages: { a: stage('s', 2), b: stage('a', 2, 'sim-1', NONE) }, sinks: { k: sink('b') } },
    says: /promises the order of 's'/,
  },
  {
    rule: 'order behind two workers that take what four others finish, through one that takes it as it comes',
    nodes: {
      stages: { a: stage('s', 4), b: stage('a', 1, 'sim-1', NONE), c: stage('b', 2, 'sim-1', NONE) },
      sinks: { k: sink('c') },
    },
    says: /promises the order of 's'/,
  },
  {
    rule: 'order behind three workers that take what an asynchronous stage finishes, through one that takes it as it comes',
    nodes: {
      stages: {
        a: stage('s', 1, 'sim-1-async', { concurrency: 8 }),
        b: stage('a', 1, 'sim-1-passes', NONE),
        c: stage('b', 3, 'sim-1', NONE),
      },
      sinks: { k: sink('c') },
    },
    says: /finishes them, in any order/,
  },
  {
    rule: 'order behind two workers that take what one asynchronous stage finishes',
    nodes: {
      stages: { a: stage('s', 1, 'sim-1-async', { concurrency: 8 }), b: stage('a', 2, 'sim-1', NONE) },
      sinks: { k: sink('b') },
    },
    says: /finishes them, in any order/,
  },
  {
    rule: 'order of a stage behind three workers that take what three others finish',
    nodes: {
      stages: { a: stage('s', 3), b: stage('a', 3, 'sim-3-passes', NONE), c: stage('b', 2) },
      sinks: { k: sink('c') },
    },
    says: /promises the order of 's'/,
  },
  {
    rule: 'fewer slots than one input needs',
    nodes: { stages: { a: stage('s', 1, 'sim-3', { slots: 2 }) }, sinks: { k: sink('a') } },
    says: /at least 3 slots, not 2/,
  },
  {
    rule: 'slots of which every worker may hold all but one that it needs',
    nodes: { stages: { a: stage('s', 4, 'sim-3', { slots: 8 }) }, sinks: { k: sink('a') } },
    says: /at least 9 slots, not 8/,
  },
  {
    rule: 'slots for the outputs of one frame, where an input is a chain of three',
    nodes: { stages: { a: stage('s', 1, 'sim-3'), b: stage('a', 1, 'sim-3', { slots: 8 }) }, sinks: { k: sink('b') } },
    says: /at least 9 slots, not 8/,
  },
  {
    rule: 'slots that two workers share for two outputs each, behind a fan-out',
    nodes: { stages: { a: stage('s', 2, 'sim-2', { slots: 2 }), b: stage('s', 2) }, sinks: { k: sink('a'), l: sink('b') } },
    says: /at least 3 slots, not 2/,
  },
  {
    rule: 'slots that two asynchronous workers share, each with all but one that its next frame needs',
    nodes: { stages: { a: stage('s', 2, 'sim-3-async', { concurrency: 2, slots: 4 }) }, sinks: { k: sink('a') } },
    says: /at least 9 slots, not 4/,
  },
  {
    rule: 'slots that the workers of a stage with a key take before they have a frame',
    nodes: { stages: { a: stage('s', 3, 'sim-1', { key: { ordinal: 7 }, slots: 2 }) }, sinks: { k: sink('a') } },
    says: /at least \d+ slots, not 2/,
  },
];

/** What would come of each is an end, and a promise that was not kept. */
const BROKEN: readonly (Refused & { readonly shows: (outcome: Outcome) => boolean })[] = [
  {
    rule: 'order where one worker takes what two others finish',
    nodes: { stages: { a: stage('s', 2), b: stage('a', 1, 'sim-1', NONE) }, sinks: { k: sink('b') } },
    says: /promises the order of 's'/,
    shows: ({ taken }) => taken.k![0]!.some((ordinal, i, all) => i > 0 && ordinal < all[i - 1]!),
  },
  {
    rule: 'order where frames come by more than one way: what comes second finds its place taken, and is dropped',
    nodes: { stages: { a: stage('s', 2), b: stage('s', 2) }, sinks: { k: sink(['a', 'b']) } },
    says: /by more than one way/,
    shows: ({ ledgers }) => (ledgers[0]!.counts.superseded ?? 0) > 0,
  },
  {
    rule: 'slots too few for a dropping edge: the source waits, and nothing is dropped',
    nodes: {
      sources: { s: { ...source, slots: 1 } },
      stages: { a: stage('s', 1, 'sim-1', { overflow: 'drop-newest' }) },
      sinks: { k: sink('a') },
    },
    says: /would wait for a slot instead of being dropped/,
    shows: ({ ledgers }) => ledgers[0]!.counts.delivered === FRAMES,
  },
];

const describeAll = ({ sources = { s: source }, stages, sinks }: Refused['nodes']): object => ({ version: 1, sources, stages, sinks });

/** The same pipeline past the checks of links: these read the description, so the order is set afterwards. */
function unchecked({ nodes }: Refused): PipelineSpec {
  const description = structuredClone(describeAll(nodes)) as Record<
    'stages' | 'sinks',
    Record<string, { order?: string; from: string | string[] }>
  >;
  const edges = [...Object.entries(description.stages), ...Object.entries(description.sinks)];
  const orders = new Map(edges.map(([name, { order }]) => [name, order ?? 'preserve']));
  for (const [, edge] of edges) edge.order = 'none';
  const spec = structuredClone(specFromObject(description));
  for (const [name, edge] of [...Object.entries(spec.stages), ...Object.entries(spec.sinks)])
    (edge as { order: string }).order = orders.get(name)!;
  return spec;
}

async function outcomesOf(refused: Refused): Promise<Outcome[]> {
  const { plan: planned } = await plan(unchecked(refused), { unchecked: true });
  const outcomes: Outcome[] = [];
  for (let seed = 0; seed < SEEDS; seed++) outcomes.push(await runPlan(planned, { seed, frames: FRAMES, holdLowest: seed % 2 === 0 }));
  return outcomes;
}

async function check({ nodes, says }: Refused): Promise<void> {
  await expect((async () => plan(specFromObject(describeAll(nodes))))()).rejects.toThrow(says);
}

describe('a pipeline that is refused, run without the check', () => {
  for (const refused of LOCKS)
    it(`locks: ${refused.rule}`, async () => {
      await check(refused);
      const outcomes = await outcomesOf(refused);
      expect(outcomes.filter(({ locked }) => locked !== undefined).length).toBeGreaterThan(0);
    });

  for (const refused of BROKEN)
    it(`does not keep its promise: ${refused.rule}`, async () => {
      await check(refused);
      const outcomes = await outcomesOf(refused);
      expect(outcomes.filter(refused.shows).length).toBeGreaterThan(0);
    });
});
