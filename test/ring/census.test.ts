import { describe, expect, it } from 'vitest';
import { fateOf } from '../support/operators/fates.mjs';
import { type DeathOptions, type DeathResult, RECORD_STEPS, runWithDeaths, STEPS } from '../support/seeded/run-with-deaths.js';
import { itFull, sized } from '../support/test-size.js';

const ROUNDS = sized(3, 12);
const FRAMES = 300;
const STARTS = [0, 0x7f_ff_ff_f0 | 0, 0xff_ff_ff_f0 | 0];

/** How often a thread died at each step, over all tests of this file. */
const hit = new Map<number, number>();

async function run(options: Partial<DeathOptions> & Pick<DeathOptions, 'seed' | 'sinks'>): Promise<DeathResult> {
  const result = await runWithDeaths({ frames: FRAMES, workers: 2, killOneIn: 8, ...options });
  for (const [step, n] of result.steps) hit.set(step, (hit.get(step) ?? 0) + n);
  return result;
}

/** What must hold of every run: nothing lost, nothing twice, every slot free again. */
function expectBalance({ counts, bySink, received, inFlight, taken, deaths, freeSlots, slots }: DeathResult): void {
  expect(inFlight).toBe(0);
  expect(received).toBe(FRAMES + (counts.malformed ?? 0));
  expect(Object.values(counts).reduce((sum, n) => sum + n, 0)).toBe(received);
  expect(freeSlots).toBe(slots);
  expect(deaths).toBeGreaterThan(0);
  for (const frames of Object.values(taken)) {
    const ids = frames.map(({ ordinal, output }) => `${ordinal} ${output}`);
    expect(new Set(ids).size).toBe(ids.length);
  }
  // Each sink's own ledger closes too, and its frames delivered are those that it took.
  for (const [sink, ended] of Object.entries(bySink)) {
    expect(Object.values(ended).reduce((sum, n) => sum + n, 0)).toBe(FRAMES);
    expect(ended.delivered ?? 0).toBe(new Set(taken[sink]!.map(({ ordinal }) => ordinal)).size);
  }
}

/** Where nothing drops, nothing is dropped. */
function expectAllIn(start: number, result: DeathResult): void {
  expectBalance(result);
  for (const frames of Object.values(result.taken)) expect(frames).toEqual(expectedIn(start));
  expect(Object.keys(result.counts).filter((outcome) => !['delivered', 'filtered', 'malformed'].includes(outcome))).toEqual([]);
}

const expectedIn = (start: number): { ordinal: number; output: number }[] =>
  Array.from({ length: FRAMES }, (_, i) => (start + i) >>> 0).flatMap((ordinal) => {
    const outputs = { passed: 1, one: 1, three: 3, filtered: 0 }[fateOf(ordinal)];
    return Array.from({ length: outputs }, (_, output) => ({ ordinal, output }));
  });

describe('a pipeline whose threads die in the middle of ring operations', () => {
  for (const [i, start] of sized(STARTS.slice(1), STARTS).entries()) {
    it(`delivers every frame once and in order to three sinks, positions and ordinals from ${start >>> 0} on`, async () => {
      for (let seed = 1; seed <= ROUNDS; seed++) {
        const result = await run({
          seed: 100 * i + seed,
          sinks: { a: {}, b: { window: 16 }, c: {} },
          startPosition: start,
          startOrdinal: start,
        });
        expectAllIn(start, result);
      }
    });

    it(`delivers every frame once with one worker and plain rings, from ${start >>> 0} on`, async () => {
      for (let seed = 1; seed <= ROUNDS; seed++) {
        const sinks = { a: { capacity: 1 }, b: { capacity: 3, order: 'none' }, c: {} };
        const result = await run({ seed: 7000 + 100 * i + seed, workers: 1, sinks, startPosition: start, startOrdinal: start });
        expectAllIn(start, result);
      }
    });
  }

  for (const overflow of ['drop-newest', 'drop-oldest', 'latest', { sample: 3 }])
    for (const workers of sized([2], [1, 2]))
      it(`keeps the balance with ${JSON.stringify(overflow)} before ${workers} workers and before the sinks`, async () => {
        for (let seed = 1; seed <= 25; seed++) {
          const edge = { overflow, capacity: 2 };
          const sinks = { a: {}, b: { ...edge, order: 'none' }, c: edge };
          const result = await run({ seed: 9000 + seed, workers, stage: edge, sinks });
          expectBalance(result);
          for (const name of ['a', 'c']) {
            const ordinals = result.taken[name]!.map(({ ordinal }) => ordinal);
            expect(ordinals).toEqual([...ordinals].sort((x, y) => x - y));
          }
        }
      });

  itFull('releases nothing twice where a slot is soon another frame', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const result = await run({
        seed: 14_000 + seed,
        workers: 1,
        source: { slots: 3 },
        stage: { capacity: 1 },
        sinks: { a: { capacity: 1 } },
        steps: [40, 41, 42, 43, 74],
        killOneIn: 3,
        patience: 200,
      });
      expectAllIn(0, result);
    }
  });

  it('drops what a producer had taken out of an array to make room', async () => {
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const edge = { overflow: 'drop-oldest', capacity: 1, window: 1 };
      const result = await run({ seed: 13_000 + seed, sinks: { a: edge, b: edge }, steps: [26, 27, 80, 81, 82], killOneIn: 2 });
      expectBalance(result);
      for (const frames of Object.values(result.taken)) {
        const ordinals = frames.map(({ ordinal }) => ordinal);
        expect(ordinals).toEqual([...ordinals].sort((x, y) => x - y));
      }
    }
  });

  it('leaves a committed output that an ordered edge does not admit yet to the successor', async () => {
    let kept = 0;
    for (let seed = 1; seed <= sized(8, 40); seed++) {
      const result = await run({ seed: 12_000 + seed, workers: 4, sinks: { a: { window: 2 }, b: { window: 4 } } });
      expectAllIn(0, result);
      kept += result.did.kept;
    }
    expect(kept).toBeGreaterThan(0);
  });

  for (const attempts of [100, 1])
    it(`counts each record of a parcel once, as it was committed, with ${attempts} attempts`, async () => {
      const records = 5;
      let mixed = 0;
      let lost = 0;
      for (let seed = 1; seed <= sized(4, 20); seed++) {
        const { counts, received, inFlight, freeSlots, slots, deaths, ended, did } = await run({
          seed: 15_000 + seed,
          records,
          attempts,
          sinks: { a: {}, b: { order: 'none', capacity: 2 } },
          steps: seed % 2 ? [...STEPS, ...RECORD_STEPS] : [...RECORD_STEPS, 71, 72, 73, 74],
          killOneIn: 5,
        });
        const none = { delivered: 0, filtered: 0, 'operator-failed': 0, 'worker-lost': 0, malformed: 0 };
        const wanted = { ...none, malformed: counts.malformed ?? 0 };
        for (let ordinal = 0; ordinal < FRAMES; ordinal++) {
          const fates = ended.get(ordinal);
          if (!fates) wanted['worker-lost'] += records;
          for (const fate of fates ?? []) wanted[fate]++;
          if (new Set(fates).size > 1) mixed++;
        }
        expect({ ...none, ...counts }).toEqual(wanted);
        expect({ received, inFlight, freeSlots }).toEqual({ received: records * FRAMES + wanted.malformed, inFlight: 0, freeSlots: slots });
        expect(wanted['worker-lost']).toBe(records * did.lost);
        lost += did.lost;
        expect(deaths).toBeGreaterThan(0);
      }
      expect(mixed).toBeGreaterThan(0);
      expect(lost > 0).toBe(attempts === 1);
    });

  it('gives a frame up after so many deaths, and counts it', async () => {
    let lost = 0;
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const result = await run({ seed: 11_000 + seed, sinks: { a: {} }, attempts: 1, killOneIn: 4 });
      expectBalance(result);
      expect(result.counts['worker-lost'] ?? 0).toBe(result.did.lost);
      lost += result.did.lost;
    }
    expect(lost).toBeGreaterThan(0);
  });

  itFull('died at every step that there is', () => {
    expect([...STEPS, ...RECORD_STEPS].filter((step) => !hit.has(step))).toEqual([]);
  });
});
