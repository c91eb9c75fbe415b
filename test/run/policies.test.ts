import { describe, expect, it } from 'vitest';
import { accounted, operatorPath, runPipeline } from '../support/run-pipeline.js';
import { sized, testSize } from '../support/test-size.js';

/** One knob: 1,000,000 in continuous integration. */
const FRAMES = testSize('MILLRACE_TEST_FRAMES', 10_000, 300_000);
const SEED = 20_260_101;

const POLICIES = {
  block: { overflow: 'block' },
  'drop-newest': { overflow: 'drop-newest' },
  'drop-oldest': { overflow: 'drop-oldest' },
  latest: { overflow: 'latest' },
  sample: { overflow: { sample: 3 } },
} as const;
type Policy = keyof typeof POLICIES;
/** Reasons by which a policy may drop; whoever comes late behind a dropping array is superseded. */
const REASONS: Record<Policy, readonly string[]> = {
  block: [],
  'drop-newest': ['drop-newest', 'superseded'],
  'drop-oldest': ['drop-oldest', 'superseded'],
  latest: ['latest', 'superseded'],
  sample: ['sampled'],
};

const source = { type: 'sim', pattern: 'counter', shape: [1, 24], dtype: 'uint16', seed: SEED };

/** source -> two workers that copy (and overtake each other) -> one that throws unless ordinals rise -> checksums. */
function towardsTheCheck(frames: number, where: 'workers' | 'check' | 'sink', policy: Policy, dense: boolean): object {
  const at = (node: string): object => (node === where ? POLICIES[policy] : {});
  return {
    sources: { s: { ...source, frames } },
    stages: {
      work: { from: 's', workers: 2, ...at('workers'), operators: [{ type: operatorPath('copy'), dawdle: 40 }] },
      check: { from: 'work', attempts: 1, ...at('check'), operators: [{ type: operatorPath('rising'), dense, numbers: true }] },
    },
    sinks: { out: { type: 'null', from: 'check', checksum: true, ...at('sink') } },
  };
}

describe(`${FRAMES} frames through each policy, two workers, seed ${SEED}`, () => {
  for (const policy of Object.keys(POLICIES) as Policy[]) {
    for (const where of sized(['check'] as const, ['workers', 'check', 'sink'] as const)) {
      it(`${policy} on the edge into ${where}: balanced, nothing twice, nothing corrupt, in order`, { timeout: 300_000 }, async () => {
        const { report, lines } = await runPipeline(towardsTheCheck(FRAMES, where, policy, policy === 'block'));
        const { ledger } = report.sources.s!;
        expect(lines.filter(({ level }) => level !== 'info')).toEqual([]);
        expect(report).toMatchObject({ balanced: true, ok: true });
        expect(ledger).toMatchObject({ received: FRAMES, inFlight: 0, filtered: 0, merged: 0, dead: {} });
        expect(accounted(ledger)).toBe(FRAMES);
        expect(report.sinks.out!.delivered).toBe(ledger.delivered);
        expect(Object.keys(ledger.dropped).filter((reason) => !REASONS[policy].includes(reason))).toEqual([]);
        if (policy === 'block') expect(ledger.delivered).toBe(FRAMES);
        if (policy === 'sample') expect(ledger.delivered).toBe(Math.ceil(FRAMES / 3));
        expect(ledger.delivered).toBeGreaterThan(0);
        expect(report.sources.s!.verdict.state).toBe('complete');
      });
    }
  }

  it('without order nothing comes twice either, and all of it comes', { timeout: 300_000 }, async () => {
    const { report, lines } = await runPipeline({
      sources: { s: { ...source, frames: FRAMES } },
      stages: {
        work: { from: 's', workers: 2, order: 'none', operators: [{ type: operatorPath('copy'), dawdle: 40 }] },
        check: { from: 'work', order: 'none', attempts: 1, operators: [{ type: operatorPath('once') }] },
      },
      sinks: { out: { type: 'null', from: 'check', order: 'none', checksum: true } },
    });
    expect(lines.filter(({ level }) => level !== 'info')).toEqual([]);
    expect(report).toMatchObject({ balanced: true, ok: true });
    expect(report.sources.s!.ledger).toMatchObject({ received: FRAMES, delivered: FRAMES, dead: {}, dropped: {} });
  });
});

describe('the check itself', () => {
  it('sees frames that overtook each other, where order is not asked for', async () => {
    const { report, lines } = await runPipeline({
      sources: { s: { ...source, frames: 20_000 } },
      stages: {
        work: { from: 's', workers: 2, operators: [{ type: operatorPath('copy'), dawdle: 200 }] },
        check: { from: 'work', order: 'none', attempts: 1, operators: [{ type: operatorPath('rising') }] },
      },
      sinks: { out: { type: 'null', from: 'check', order: 'none' } },
    });
    const { ledger } = report.sources.s!;
    expect(ledger.dead['operator-failed']).toBeGreaterThan(0);
    expect(accounted(ledger)).toBe(20_000);
    expect(lines.some(({ message }) => /ordinal \d+ came after \d+/.test(message))).toBe(true);
  });
});

describe('a run whose ordinals go past a boundary of 32-bit words', () => {
  const frames = Math.max(5000, Math.floor(FRAMES / 10));
  for (const [name, startOrdinal] of [
    ['2^31', 2 ** 31 - 1000],
    ['2^32', 2 ** 32 - 1000],
  ] as const) {
    for (const policy of sized([name === '2^31' ? 'drop-oldest' : 'block'], Object.keys(POLICIES)) as Policy[]) {
      it(`${policy} over ${name}: balanced and in order`, { timeout: 120_000 }, async () => {
        const { report, lines } = await runPipeline(towardsTheCheck(frames, 'check', policy, policy === 'block'), { startOrdinal });
        const { ledger } = report.sources.s!;
        expect(lines.filter(({ level }) => level !== 'info')).toEqual([]);
        expect(report).toMatchObject({ balanced: true, ok: true });
        expect(ledger).toMatchObject({ received: frames, inFlight: 0, dead: {} });
        expect(accounted(ledger)).toBe(frames);
        expect(report.sinks.out!.delivered).toBe(ledger.delivered);
        if (policy === 'block') expect(ledger.delivered).toBe(frames);
      });
    }
  }
});
