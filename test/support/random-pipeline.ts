import { BATCHES, OUTPUTS } from './seeded/seeded-operators.js';

type Die = (n: number) => number;

/** The description of a pipeline, as in a file. Most are refused: what is valid is for the checks to say. */
export interface Description {
  readonly version: 1;
  readonly sources: Readonly<Record<string, object>>;
  readonly stages: Readonly<Record<string, object>>;
  readonly sinks: Readonly<Record<string, object>>;
}

const pick = <T>(die: Die, ...of: readonly T[]): T => of[die(of.length)]!;

/** The edge into a node. Small capacities and windows, two and four above all. */
function edge(die: Die): object {
  const overflow = pick<string | object>(die, 'block', 'block', 'block', 'block', 'block', 'drop-newest', 'drop-oldest', 'latest', {
    sample: 1 + die(3),
  });
  return {
    capacity: pick(die, 2, 2, 2, 1 + die(8)),
    ...(die(3) > 0 ? { window: pick(die, 4, 4, 4, 1, 2, 8) } : {}),
    ...(die(3) === 0 ? { order: 'none' } : {}),
    ...(overflow === 'block' ? {} : { overflow }),
  };
}

/** What a source hands on is a parcel: to rings, pools and workers one reference, which leaves a stage in more slots. */
const parcel = (die: Die): object => (die(4) === 0 ? { parcel: { bytes: 4096 } } : {});

const slots = (die: Die): object => (die(4) === 0 ? { slots: 1 + die(24) } : {});

/** Blocks of many ordinals, so that one worker's FIFO fills while the others have nothing. */
const keyed = (die: Die): object =>
  die(5) === 0
    ? { deterministic: true, shards: pick(die, 4, 8) }
    : { key: pick<unknown>(die, { ordinal: 1 + die(12) }, { ordinal: 1 + die(3) }, 'source', { meta: 'key' }) };

/** Kinds of stages, each with its weight. A new kind of stage is one line here and its work in seeded-operators.ts. */
const STAGES: readonly (readonly [weight: number, make: (die: Die) => { workers: number; type: string } & Record<string, unknown>])[] = [
  [6, (die) => ({ workers: 1 + die(4), type: `sim-${pick(die, 3, 3, ...OUTPUTS)}` })],
  [3, (die) => ({ workers: 1 + die(4), type: `sim-${pick(die, 3, 3, ...OUTPUTS)}-passes` })],
  [2, (die) => ({ workers: 1 + die(2), type: `sim-${pick(die, ...OUTPUTS)}${pick(die, '', '-passes')}-async`, concurrency: 1 + die(6) })],
  [1, () => ({ workers: 1, type: 'sim-merge' })],
  [3, (die) => ({ workers: 1 + die(4), type: `sim-${pick(die, 3, 3, ...OUTPUTS)}${pick(die, '', '-passes')}`, ...keyed(die) })],
  [1, (die) => ({ workers: 1 + die(3), type: `sim-${pick(die, ...OUTPUTS)}-async`, concurrency: 1 + die(4), ...keyed(die) })],
];

/** Brings together branches of a source, or several sources: with waiting, and without. */
function joining(die: Die, from: () => string[]): object {
  const inputs = new Set<string>();
  for (let tries = 0, n = 2 + die(2); inputs.size < n && tries < 8; tries++) inputs.add(from()[0]!);
  const by = die(2) === 0 ? { by: 'frame', waitMs: pick(die, 1000, 1000, 0) } : { by: 'ordinal' };
  const type = pick(die, 'sim-1', 'sim-1-passes', 'sim-3-passes', 'sim-merge');
  const { order: _, ...rest } = edge(die) as { order?: string };
  const operators = [
    { type: 'join', as: 'list', ...by },
    { type, salt: die(1000), filters: die(3) === 0 },
  ];
  return { from: [...inputs], operators, ...rest, ...slots(die) };
}

function stage(die: Die): object {
  const all = STAGES.flatMap(([weight, make]) => new Array(weight).fill(make) as (typeof make)[]);
  const make = pick(die, ...all);
  const { type, ...rest } = make(die);
  return { operators: [{ type, salt: die(1000), filters: die(3) === 0 }], ...rest, ...edge(die), ...slots(die) };
}

/** One to three sources, one to six stages, one to four sinks; everything leads somewhere. */
export function randomPipeline(die: Die): Description {
  const nodes: string[] = [];
  const taken = new Set<string>();
  const from = (): string[] => {
    const open = nodes.filter((name) => !taken.has(name));
    // Mostly what nobody reads yet, so that chains become long; else any, so that frames fan out.
    const one = (): string => (open.length > 0 && die(4) > 0 ? open[die(open.length)]! : nodes[die(nodes.length)]!);
    const names = [...new Set(die(4) === 0 ? [one(), one()] : [one()])];
    for (const name of names) taken.add(name);
    return names;
  };
  const named = (prefix: string, n: number, make: () => object): Record<string, object> =>
    Object.fromEntries(
      Array.from({ length: n }, (_, i) => {
        const made = make();
        nodes.push(`${prefix}${i}`);
        return [`${prefix}${i}`, made];
      }),
    );
  const sources = named('s', 1 + die(3), () => ({
    type: 'sim',
    pattern: 'counter',
    shape: [1, 16],
    dtype: 'uint8',
    ...parcel(die),
    ...slots(die),
  }));
  const stages = named('w', 1 + die(6), () => (nodes.length > 2 && die(5) === 0 ? joining(die, from) : { from: from(), ...stage(die) }));
  const count = 1 + die(4);
  const sinks: Record<string, { from: string[] }> = {};
  for (let i = 0; i < count; i++) sinks[`k${i}`] = { type: `sim-${pick(die, ...BATCHES)}`, from: from(), ...edge(die) } as never;
  for (const name of nodes) if (!taken.has(name)) sinks[`k${die(count)}`]!.from.push(name);
  return { version: 1, sources, stages, sinks };
}
