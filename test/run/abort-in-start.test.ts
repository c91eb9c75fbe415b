import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { operatorPath, Pipeline, recordingLogger, specFromObject } from '../support/run-pipeline.js';
import { itFull, sized } from '../support/test-size.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-start-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A pipeline whose operator waits in its setup for ever, where it `hangs`. */
function make(hangs: boolean): InstanceType<typeof Pipeline> {
  const { logger } = recordingLogger();
  const description = {
    version: 1,
    sources: { s: { type: 'sim', pattern: 'counter', shape: [4, 4], dtype: 'uint8', rate: 1000 } },
    stages: { work: { from: 's', operators: [{ type: operatorPath('hangs-in-setup'), folder, at: hangs ? 0 : -1 }] } },
    sinks: { out: { type: 'null', from: 'work' } },
  };
  return new Pipeline(specFromObject(description), { logger });
}

describe('a run that is ended while it starts', () => {
  for (const how of ['abort', 'stop', 'signal'] as const) {
    for (const waitMs of sized([how === 'stop' ? 400 : 0], [0, 400])) {
      it(`by ${how} after ${waitMs} ms: start rejects, closed says so, and nothing flows afterwards`, { timeout: 30_000 }, async () => {
        const pipeline = make(true);
        const controller = new AbortController();
        const startMs = performance.now();
        const started = pipeline.start({ signal: controller.signal }).then(
          () => undefined,
          (error: unknown) => error,
        );
        await delay(waitMs);
        expect(pipeline.state).toBe('starting');
        if (how === 'signal') controller.abort();
        else void pipeline[how]();
        const report = await pipeline.closed;
        expect(await started).toMatchObject({ code: 'ERR_CLOSED' });
        expect(report).toMatchObject({ ok: false, balanced: true, error: { code: 'ERR_CLOSED' } });
        expect(pipeline.state).toBe('closed');
        // The limit of the setup is a minute.
        expect(performance.now() - startMs).toBeLessThan(25_000);
        await delay(200);
        expect(pipeline.progress().received).toBe(0);
        expect(pipeline.state).toBe('closed');
      });
    }
  }

  itFull('by abort at any moment of a quick start: it ends, and what was received is accounted for', { timeout: 60_000 }, async () => {
    for (const waitMs of [0, 5, 20, 60, 100, 150, 200, 300]) {
      const pipeline = make(false);
      const started = pipeline.start().then(
        () => 'started',
        ({ code }: { code: string }) => code,
      );
      await delay(waitMs);
      const report = await pipeline.abort();
      expect(['started', 'ERR_CLOSED']).toContain(await started);
      expect(report).toMatchObject({ ok: false, balanced: true, error: { code: 'ERR_CLOSED' } });
      const { received } = pipeline.progress();
      await delay(50);
      expect(pipeline.progress().received).toBe(received);
      expect(report.sources.s?.ledger.received ?? 0).toBe(received);
    }
  });
});
