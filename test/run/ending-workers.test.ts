import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { operatorPath, runPipeline } from '../support/run-pipeline.js';
import { itFull } from '../support/test-size.js';

const sim = { type: 'sim', pattern: 'counter', shape: [1, 24], dtype: 'uint16' };

describe('a worker that ends', () => {
  it('is asked to once, however long it takes', async () => {
    const asked: boolean[] = [];
    const { report } = await runPipeline(
      {
        sources: { s: { ...sim, frames: 200, rate: 1000 } },
        stages: { work: { from: 's', operators: [{ type: operatorPath('copy') }] } },
        sinks: { out: { type: 'null', from: 'work' } },
      },
      {},
      (pipeline) => {
        for (let i = 0; i < 12; i++) asked.push(pipeline.terminateWorker('work', 0));
      },
    );
    expect(asked).toEqual([true, ...Array.from({ length: 11 }, () => false)]);
    expect(report).toMatchObject({ ok: true, balanced: true, stages: { work: { restarts: 1 } } });
    expect(report.sources.s!.ledger.delivered).toBe(200);
  });

  it('before it is ready, because it was terminated from outside, is replaced however often', { timeout: 120_000 }, async () => {
    const DEATHS = 8;
    const { report } = await runPipeline(
      {
        sources: { s: { ...sim, frames: 100_000, rate: 1000 } },
        stages: { work: { from: 's', operators: [{ type: operatorPath('copy') }] } },
        sinks: { out: { type: 'null', from: 'work' } },
      },
      {},
      async (pipeline) => {
        // A thread needs longer than this to set up: most die before they are ready.
        const restarts = (): number => pipeline.report().stages.work!.restarts;
        while (restarts() < DEATHS) {
          pipeline.terminateWorker('work', 0);
          await delay(2);
        }
        await pipeline.stop();
      },
    );
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(report.stages.work!.restarts).toBeGreaterThanOrEqual(DEATHS);
  });

  itFull(
    'and whose operator never returns from close, is terminated with a warning: the run is not held back',
    {
      timeout: 30_000,
    },
    async () => {
      const { report, lines } = await runPipeline({
        drain: { deadlineMs: 300 },
        sources: { s: { ...sim, frames: 20 } },
        stages: { stuck: { from: 's', operators: [{ type: operatorPath('never-closes') }] } },
        sinks: { out: { type: 'null', from: 'stuck' } },
      });
      expect(report).toMatchObject({ ok: true, balanced: true, stages: { stuck: { restarts: 0 } } });
      expect(report.sources.s!.ledger).toMatchObject({ received: 20, delivered: 20, inFlight: 0 });
      const said = lines.filter(({ message }) => message.includes("stage 'stuck' took more than 5000 ms to close its operators"));
      expect(said[0]).toMatchObject({ level: 'warn', fields: { stage: 'stuck' } });
    },
  );
});
