import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { operatorPath, runPipeline } from '../support/run-pipeline.js';
import { sized } from '../support/test-size.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-successor-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Ends the worker; its successors end in `setup` so many times. */
const run = (times: number) =>
  runPipeline(
    {
      sources: { s: { type: 'sim', pattern: 'counter', shape: [4, 4], frames: 1_000_000, rate: 200 } },
      stages: { pass: { from: 's', attempts: 100, operators: [{ type: operatorPath('dies-in-setup'), folder, times }] } },
      sinks: { out: { type: 'null', from: 'pass', checksum: true } },
    },
    {},
    async (pipeline) => {
      await delay(100);
      pipeline.terminateWorker('pass', 0);
      while (pipeline.report().stages.pass!.restarts < times + 1 && !pipeline.report().error) await delay(5);
      await delay(100);
      void pipeline.stop();
    },
  );

describe('a successor that dies while it is set up', () => {
  it('has a successor of its own, and nothing is lost', async () => {
    const { report } = await run(3);
    expect(report).toMatchObject({ ok: true, balanced: true, stages: { pass: { restarts: 4 } } });
    expect(report.sources.s!.ledger.delivered).toBe(report.sources.s!.ledger.received);
  });

  it('ends the run when that goes on and on', async () => {
    const { report } = await run(4);
    expect(report).toMatchObject({ ok: false, balanced: true, error: { code: 'ERR_WORKER' } });
    expect(report.error!.message).toContain('could not start');
  });
});

describe('a setup that never returns', () => {
  const stages = (at: number, loops: boolean): object => ({
    pass: { from: 's', setupMs: 2500, operators: [{ type: operatorPath('hangs-in-setup'), folder, at, loops }] },
  });

  for (const loops of sized([true], [false, true])) {
    it(`(${loops ? 'loops' : 'waits'}) ends the start with the name of the stage and of the limit`, async () => {
      const sources = { s: { type: 'sim', pattern: 'counter', shape: [4, 4], frames: 10 } };
      await expect(
        runPipeline({ sources, stages: stages(0, loops), sinks: { out: { type: 'null', from: 'pass' } } }),
      ).rejects.toMatchObject({
        code: 'ERR_WORKER',
        message: expect.stringMatching(/stage 'pass' .*took more than 2500 ms to set up its operators \(setupMs\)/),
      });
    });

    it(`(${loops ? 'loops' : 'waits'}) in a successor: it is replaced, and nothing is lost`, async () => {
      const { report } = await runPipeline(
        {
          sources: { s: { type: 'sim', pattern: 'counter', shape: [4, 4], frames: 400, rate: 400 } },
          stages: stages(1, loops),
          sinks: { out: { type: 'null', from: 'pass' } },
        },
        {},
        (pipeline) => pipeline.terminateWorker('pass', 0),
      );
      expect(report).toMatchObject({ ok: true, balanced: true, stages: { pass: { restarts: 2 } } });
      expect(report.sources.s!.ledger.delivered).toBe(400);
    });
  }
});
