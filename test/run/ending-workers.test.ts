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
