import { describe, expect, it } from 'vitest';
import { MillraceError } from '../../src/errors/errors.js';
import { TIGHTEST } from '../../src/plan/choose-sizes.js';
import { plan } from '../../src/plan/plan.js';
import type { Plan } from '../../src/plan/plan-types.js';
import { specFromObject } from '../../src/spec/load.js';
import { seeded } from '../support/arena.js';
import { randomPipeline } from '../support/random-pipeline.js';
import { type Outcome, runPlan } from '../support/seeded/run-plan.js';
import { registerSeeded } from '../support/seeded/seeded-operators.js';
import { testSize } from '../support/test-size.js';

const SEED = Number(process.env.MILLRACE_TEST_SEED ?? 1);
const PIPELINES = testSize('MILLRACE_TEST_PIPELINES', 12, 500);
const FRAMES = 40;

registerSeeded();

const joins = ({ stages }: Plan): boolean => stages.some(({ operators }) => operators[0]?.type === 'join');
const hasKeys = ({ stages, edges }: Plan): boolean =>
  stages.some(({ name, operators }) => operators[0]?.type !== 'join' && edges.filter(({ node }) => node === name).length > 1);

const reachesAll = ({ edges, stages }: Plan): boolean =>
  edges.every(({ overflow }) => overflow === 'block') &&
  stages.every(({ operators }) => {
    const { type, params } = operators.at(-1)!;
    return type !== 'sim-merge' && params.filters !== true && operators[0]!.params.waitMs !== 0;
  });

/** Everything settled, every slot free, and order where it is promised. */
function faultOf(planned: Plan, { locked, ledgers, taken, freeSlots, timesWaited }: Outcome): string | undefined {
  if (locked !== undefined) return `locked: ${locked}`;
  for (const { received, inFlight, counts } of ledgers) {
    const sum = Object.values(counts).reduce((all, n) => all + n, 0);
    if (received !== FRAMES || inFlight !== 0 || sum !== FRAMES) return `the ledger: ${received} received, ${JSON.stringify(counts)}`;
    const fine = ['delivered', 'filtered', 'merged', ...(joins(planned) ? ['unmatched'] : [])];
    const dropped = Object.keys(counts).filter((outcome) => !fine.includes(outcome));
    if (dropped.length > 0 && planned.edges.every(({ overflow }) => overflow === 'block')) return `blocking edges, and ${dropped}`;
  }
  // The sources have the same numbers: where all of their frames reach the joins, no one waits for what does not come.
  if (timesWaited > 0 && reachesAll(planned)) return `joins waited ${timesWaited} times for frames that were under way`;
  if (freeSlots !== planned.slots) return `${freeSlots} of ${planned.slots} slots are free`;
  for (const edge of planned.edges)
    if (edge.order === 'preserve')
      for (const ordinals of taken[edge.node] ?? [])
        if (ordinals.some((ordinal, i) => i > 0 && ordinal <= ordinals[i - 1]!)) return `'${edge.node}' had ${ordinals.join(' ')}`;
  return undefined;
}

describe('a pipeline that is accepted', () => {
  it(`ends, with every frame accounted for, whoever holds the lowest ordinal for how long: ${PIPELINES} at random`, {
    timeout: 3_600_000,
  }, async () => {
    const die = seeded(SEED);
    const refused = { links: 0, plan: 0 };
    let turns = 0;
    let accepted = 0;
    let joining = 0;
    let keyed = 0;
    let both = 0;
    let parcels = 0;
    let keyedParcels = 0;
    let timesWaited = 0;
    let never = 0;
    for (; accepted < PIPELINES; ) {
      const description = randomPipeline(die);
      const run = die(2 ** 30);
      let planned: Plan;
      let stage: keyof typeof refused = 'links';
      try {
        const spec = specFromObject(description);
        stage = 'plan';
        const isTight = accepted % 3 === 2;
        planned = (await plan(spec, isTight ? { tightness: TIGHTEST } : {})).plan;
      } catch (error) {
        if (!(error instanceof MillraceError && error.code.startsWith('ERR_CONFIG'))) throw error;
        refused[stage]++;
        continue;
      }
      const outcome = await runPlan(planned, { seed: run, frames: FRAMES, holdLowest: accepted % 4 !== 3 });
      turns += outcome.turns;
      timesWaited += outcome.timesWaited;
      if (planned.stages.some(({ operators }) => operators[0]?.params.by === 'frame') && reachesAll(planned)) never++;
      const fault = faultOf(planned, outcome);
      if (fault !== undefined) throw new Error(`seed ${SEED}, pipeline ${accepted}: ${fault}\n${JSON.stringify(description, null, 1)}`);
      accepted++;
      if (joins(planned)) joining++;
      if (hasKeys(planned)) keyed++;
      if (joins(planned) && hasKeys(planned)) both++;
      if (planned.sources.some(({ parcel }) => parcel)) parcels++;
      if (
        planned.edges.some(
          ({ input, kind, leaves }) =>
            kind === 'fifo' &&
            input > 0 &&
            planned.sources.some((source) => source.parcel && leaves[source.index]!.some((mask) => mask !== 0)),
        )
      )
        keyedParcels++;
    }
    console.log(
      `seed ${SEED}: ${accepted} pipelines accepted, ${joining} of which join, ${keyed} have several workers by a key, ${both} both; ${parcels} have sources of parcels, ${keyedParcels} of them into such stages; joins waited ${timesWaited} times, and not once in ${never} that join sources without loss; they run in ${turns} turns; refused: ${refused.links} by their links, ${refused.plan} by their sizes`,
    );
    expect(accepted).toBe(PIPELINES);
  });
});
