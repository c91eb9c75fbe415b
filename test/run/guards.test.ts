import { describe, expect, it } from 'vitest';
import { operatorPath, type Pipeline, type Run, runPipeline } from '../support/run-pipeline.js';
import { sized } from '../support/test-size.js';

const parcels = (frames: number, shape: readonly number[] = [1, 64]): object => ({
  type: 'sim',
  pattern: 'counter',
  shape,
  dtype: 'uint8',
  frames,
  parcel: { bytes: 4096, waitUs: 1000 },
});
const sink = { type: 'null', checksum: true };

async function guarded(description: object): Promise<Run & { damage: readonly string[] }> {
  let pipeline: InstanceType<typeof Pipeline> | undefined;
  const run = await runPipeline(description, { guards: true, poison: true }, (one) => {
    pipeline = one;
  });
  return { ...run, damage: pipeline!.guardDamage() };
}

describe('what is written stays within the slot that its writer holds', () => {
  for (const bytes of sized([4090, 40_000], [4000, 4090, 6000, 40_000, 400_000]))
    it(`where the first record that is made of a parcel gets a meta of ${bytes} bytes`, async () => {
      const frames = 3000;
      const operators = [{ type: operatorPath('large-meta'), bytes, every: 5 }];
      const { report, damage } = await guarded({
        sources: { s: parcels(frames) },
        stages: { w: { from: 's', workers: 2, operators } },
        sinks: { k: { from: 'w', ...sink } },
      });
      const dead = bytes > 4080 ? { 'operator-output': frames / 5 } : {};
      expect(damage).toEqual([]);
      expect(report).toMatchObject({ ok: true, balanced: true, stages: { w: { restarts: 0 } } });
      expect(report.sources.s!.ledger).toMatchObject({ received: frames, dead, delivered: frames - (bytes > 4080 ? frames / 5 : 0) });
    });

  it('where a built-in operator makes a meta that is too long of every record, and no slot goes on empty', async () => {
    const frames = 500;
    const rois = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`${'region'.repeat(20)}${i}`, { y: [0, 4], x: [0, 4] }]));
    const { report, damage } = await guarded({
      sources: { s: { ...parcels(frames, [8, 8]) } },
      stages: { w: { from: 's', workers: 2, operators: [{ type: 'roi-stats', rois }] } },
      sinks: { k: { from: 'w', type: 'null' } },
    });
    expect(damage).toEqual([]);
    expect(report).toMatchObject({ ok: true, balanced: true, stages: { w: { restarts: 0 } }, sinks: { k: { delivered: 0 } } });
    expect(report.sources.s!.ledger.dead).toEqual({ 'operator-output': frames });
  });

  it('and a write of one byte beyond it is found, where it is handed on and at the end', async () => {
    const shape = [4, 16];
    // 64 bytes of data and 4096 for the meta.
    const operators = [{ type: operatorPath('overruns'), sequence: 7, slotBytes: 64 + 4096 }];
    const { report, lines, damage } = await guarded({
      sources: { s: { type: 'sim', pattern: 'counter', shape, dtype: 'uint8', frames: 20 } },
      stages: { w: { from: 's', operators, attempts: 1 } },
      sinks: { k: { from: 'w', type: 'null' } },
    });
    expect(damage).toHaveLength(1);
    expect(damage[0]).toMatch(/^slot \d+ of 'w', at byte \d+, was written beyond its end$/);
    expect(report.stages.w!.restarts).toBeGreaterThan(0);
    expect(lines.some(({ message }) => message.includes(damage[0]!))).toBe(true);
  });
});
