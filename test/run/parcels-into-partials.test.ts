import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { seeded } from '../support/arena.js';
import { blocks, type Read, readIterates } from '../support/read-iterates.js';
import { accounted, operatorPath } from '../support/run-pipeline.js';
import { itFull, sized, testSize } from '../support/test-size.js';

const SEED = Number(process.env.MILLRACE_TEST_SEED ?? Date.now() % 1e9);
const SHAPE = [2, 3];
const PIXELS = 6;
const sim = { type: 'sim', pattern: 'noise', shape: SHAPE, dtype: 'float32', pool: 0, seed: 5 };
/** As docs/reference/pipeline.md defines a block of records. */
const BLOCK = 4096;

const sum = (counts: Readonly<Record<string, number>> | readonly number[]): number => Object.values(counts).reduce((all, n) => all + n, 0);
const counted = (read: readonly Read[]): number[] => {
  const seen = Array.from(read[0]!.data, () => 0);
  for (const { data } of read) for (const [i, n] of data.entries()) seen[i]! += n;
  return seen;
};

/** The definition in docs/reference/pipeline.md: shards by block, Welford in order, then Chan et al. in the order of the shards. */
function fold(frames: readonly Read[], first: number, shards: number): { mean: Float64Array; m2: Float64Array; n: number } {
  const parts = Array.from({ length: shards }, () => ({ n: 0, mean: new Float64Array(PIXELS), m2: new Float64Array(PIXELS) }));
  for (const [i, { data }] of frames.entries()) {
    const part = parts[Math.floor((first + i) / BLOCK) % shards]!;
    part.n++;
    for (let p = 0; p < PIXELS; p++) {
      const x = data[p]!;
      const old = part.mean[p]!;
      part.mean[p] = part.n === 1 ? x : old + (x - old) / part.n;
      part.m2[p] = part.n === 1 ? 0 : part.m2[p]! + (x - old) * (x - part.mean[p]!);
    }
  }
  const [begin, ...others] = parts.filter(({ n }) => n > 0);
  const all = begin!;
  for (const part of others) {
    const n = all.n + part.n;
    for (let p = 0; p < PIXELS; p++) {
      const d = part.mean[p]! - all.mean[p]!;
      all.m2[p] = all.m2[p]! + part.m2[p]! + d * d * (all.n * (part.n / n));
      all.mean[p] = all.mean[p]! + d * (part.n / n);
    }
    all.n = n;
  }
  return all;
}

describe('partials of records', () => {
  for (const workers of sized([2], [1, 2, 3, 4])) {
    it(`${workers}: merged, count every record of each series once`, { timeout: 60_000 }, async () => {
      const { report, read } = await readIterates({
        sources: { s: { ...sim, dtype: 'uint16', frames: 4300, series: 1000, parcel: { bytes: 4096 } } },
        stages: {
          mean: { from: 's', workers, operators: [{ type: 'accumulate' }] },
          sum: { from: 's', workers, operators: [{ type: operatorPath('by-number'), dropAt: 3 }, { type: operatorPath('sum-and-count') }] },
        },
        sinks: {
          raw: { type: 'iterate', from: 's' },
          means: { type: 'iterate', from: 'mean' },
          sums: { type: 'iterate', from: 'sum' },
        },
      } as never);
      expect(report).toMatchObject({ ok: true, balanced: true });
      expect(read.means!.map(({ meta }) => meta.frames)).toEqual([1000, 1000, 1000, 1000, 300]);
      for (const [i, frames] of blocks(read.raw!, 1000).entries()) {
        for (let p = 0; p < PIXELS; p++) {
          const mean = frames.reduce((all, { data }) => all + data[p]!, 0) / frames.length;
          // Values below 2^16, a thousand of them: both round far less than this.
          expect(Math.abs(read.means![i]!.data[p]! - mean)).toBeLessThan(1e-8);
        }
        const kept = frames.filter(({ sequence }) => sequence % 3 !== 0);
        expect([...read.sums![i]!.data]).toEqual([kept.reduce((all, { data }) => all + sum([...data]), 0), kept.length]);
      }
      expect(report.sources.s!.ledger).toMatchObject({ received: 4300, inFlight: 0, dead: {} });
    });
  }

  for (const shards of sized([3], [8, 3])) {
    it(`have the same bits by 1 to 4 workers and whatever is in a parcel, those of their definition (${shards} shards)`, {
      timeout: 120_000,
    }, async () => {
      const parcels = [{ bytes: 4096 }, { bytes: '64KiB' }, { bytes: 8192, waitUs: 0 }, { bytes: '16KiB', waitUs: 50 }, { bytes: '1MiB' }];
      for (const [i, workers] of sized([1, 3], [1, 2, 3, 4, 4]).entries()) {
        const { report, read } = await readIterates({
          sources: { s: { ...sim, frames: 30_000, series: 17_000, parcel: parcels[i] } },
          stages: {
            same: { from: 's', operators: [{ type: operatorPath('by-number-in-order'), copies: 1, copyAt: 2 }] },
            mean: { from: 'same', workers, deterministic: true, shards, operators: [{ type: 'accumulate', shape: SHAPE }] },
          },
          sinks: { raw: { type: 'iterate', from: 's' }, means: { type: 'iterate', from: 'mean' } },
        } as never);
        expect(report).toMatchObject({ ok: true, balanced: true });
        expect(read.means).toHaveLength(2);
        for (const [at, frames] of blocks(read.raw!, 17_000).entries()) {
          const { mean, m2, n } = fold(frames, at * 17_000, shards);
          expect(n).toBe(frames.length);
          expect(read.means![at]!.data).toEqual(Float64Array.from([...mean, ...m2.map((value) => value / (n - 1))]));
        }
      }
    });
  }

  for (const stage of [{ workers: 3 }, { workers: 2, deterministic: true, shards: 4 }]) {
    const deaths = testSize('MILLRACE_TEST_KILLS', 5, 50);
    it(`${JSON.stringify(stage)}: ${deaths} deaths lose whole records, each counted, and none comes twice, seed ${SEED}`, {
      timeout: 400_000,
    }, async () => {
      const random = seeded(SEED);
      const most = 200_000;
      const { report, read, errors } = await readIterates(
        {
          failOn: 'none',
          // A busy machine needs a second for each death, and the frames must last.
          sources: { s: { ...sim, frames: most, series: 1500, rate: 2500, parcel: { bytes: 4096, waitUs: 5000 } } },
          stages: {
            work: {
              from: 's',
              attempts: 100,
              ...stage,
              operators: [{ type: operatorPath('which'), frames: most, perSeries: 1500, spinUs: 80 }],
            },
          },
          sinks: { out: { type: 'iterate', from: 'work' } },
        } as never,
        async (pipeline) => {
          let isOver = false;
          void pipeline.closed.then(() => {
            isOver = true;
          });
          while (!isOver && pipeline.report().stages.work!.restarts < deaths) {
            await delay(30 + random(60));
            pipeline.terminateWorker('work', random(stage.workers));
          }
          void pipeline.stop();
        },
      );
      const { ledger } = report.sources.s!;
      const seen = counted(read.out!);
      const inResults = seen.filter((n) => n > 0).length;
      console.log(
        `${report.stages.work!.restarts} deaths, ${ledger.received} received, ${ledger.dead['partial-lost']} lost, ${inResults} in results`,
      );
      expect(errors).toEqual([]);
      expect(report).toMatchObject({ ok: true, balanced: true });
      expect(seen.filter((n) => n > 1)).toEqual([]);
      expect(report.stages.work!.restarts).toBeGreaterThanOrEqual(deaths);
      expect(ledger.dead['partial-lost']).toBeGreaterThan(0);
      expect(inResults + sum(ledger.dead)).toBe(ledger.received);
      expect(report.stages.work!.aggregates).toEqual({ results: read.out!.length, frames: inResults, lost: sum(ledger.dead) });
      expect(accounted(ledger)).toBe(ledger.received);
    });
  }

  // Before the store that publishes the commit, behind it, and while it is carried out.
  const STEPS = [70, 71, 72, 73, 74];
  itFull('survive a death at each step of the commit of a parcel or of the end: exact, and one result', { timeout: 120_000 }, async () => {
    const hits = new SharedArrayBuffer(4 * 128);
    const words = new Int32Array(hits);
    let lost = 0;
    let rounds = 0;
    const dieAt = async (step: number): Promise<void> => {
      const seed = SEED + rounds++;
      Atomics.store(words, 0, 0);
      const { report, read, errors } = await readIterates(
        {
          failOn: 'none',
          sources: { s: { ...sim, frames: 1000, parcel: { bytes: 4096 } } },
          stages: { work: { from: 's', operators: [{ type: operatorPath('which'), frames: 1000, perSeries: 1000 }] } },
          sinks: { out: { type: 'iterate', from: 'work' } },
        } as never,
        undefined,
        { fault: { file: 'ring.fault.wasm', hits, seed, workers: 1, steps: [step], within: 3 } },
      );
      const { ledger } = report.sources.s!;
      expect(errors).toEqual([]);
      expect(report).toMatchObject({ ok: true, balanced: true });
      expect(read.out!.length).toBeLessThanOrEqual(1);
      const inResult = read.out!.length ? sum(counted(read.out!)) : 0;
      lost += sum(ledger.dead);
      expect(inResult + sum(ledger.dead)).toBe(1000);
      expect(report.stages.work!.aggregates).toEqual({ results: read.out!.length, frames: inResult, lost: sum(ledger.dead) });
    };
    for (const step of sized(STEPS, [...STEPS, ...STEPS, ...STEPS])) await dieAt(step);
    // Not each commit comes to each step.
    for (const step of STEPS) for (let more = 0; words[step] === 0 && more < 30; more++) await dieAt(step);
    const hit = STEPS.map((step) => words[step]!);
    console.log(`deaths at steps ${STEPS}: ${hit}, ${lost} lost`);
    for (const n of hit) expect(n).toBeGreaterThan(0);
  });

  it('fail by themselves; one that fails with some of its frames taken spoils what came before it, also in its own parcel', async () => {
    const { report, read } = await readIterates({
      sources: { s: { ...sim, frames: 30, parcel: { bytes: 4096, waitUs: 1_000_000 } } },
      stages: {
        work: {
          from: 's',
          attempts: 3,
          operators: [
            { type: operatorPath('by-number'), throwAt: 7 },
            { type: operatorPath('triple') },
            { type: operatorPath('which'), frames: 60, perSeries: 60, failAt: 12 },
          ],
        },
      },
      sinks: { out: { type: 'iterate', from: 'work' } },
    } as never);
    // 0, 7, 14, 21 and 28 fail before; of 1 to 11 ten had come when 12 failed; 13 to 29 less 14, 21 and 28 came after it.
    expect(report.balanced).toBe(true);
    expect(report.sources.s!.ledger).toMatchObject({ received: 30, merged: 14, dead: { 'partial-lost': 10, 'operator-failed': 6 } });
    expect(counted(read.out!).slice(0, 31)).toEqual(Array.from({ length: 31 }, (_, i) => (i > 12 && i < 30 && i % 7 !== 0 ? 3 : 0)));
  });

  it('that were committed stay when their worker dies between parcels: nothing is lost', { timeout: 60_000 }, async () => {
    const { report, read } = await readIterates(
      {
        sources: { s: { type: 'push', maxFrame: 64, parcel: { bytes: 4096, waitUs: 500 } } },
        stages: { work: { from: 's', operators: [{ type: operatorPath('which'), frames: 60, perSeries: 60 }] } },
        sinks: { out: { type: 'iterate', from: 'work' } },
      } as never,
      async (pipeline) => {
        const source = pipeline.source('s');
        for (let i = 0; i < 20; i++) await source.push({ data: Uint8Array.of(i) });
        while (pipeline.report().sources.s!.ledger.merged < 20) await delay(10);
        pipeline.terminateWorker('work', 0);
        for (let i = 20; i < 40; i++) await source.push({ data: Uint8Array.of(i) });
        source.end();
      },
    );
    expect(report.stages.work!.restarts).toBe(1);
    expect(report.sources.s!.ledger).toMatchObject({ received: 40, merged: 40, dead: {} });
    expect(counted(read.out!).slice(0, 41)).toEqual(Array.from({ length: 41 }, (_, i) => (i < 40 ? 1 : 0)));
  });
});
