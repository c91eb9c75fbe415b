import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Pipeline, runPipeline } from '../support/run-pipeline.js';
import { itFull } from '../support/test-size.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-sink-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const FRAMES = 4;
/** Each thread of the sink delivers `stallAfter` frames and then keeps the next in its hands; then the thread is terminated. */
const run = (stallAfter: number): ReturnType<typeof runPipeline> =>
  runPipeline(
    {
      failOn: 'none',
      deadLetters: { directory: folder },
      drain: { deadlineMs: 60_000 },
      sources: { s: { type: 'sim', pattern: 'counter', shape: [4, 4], dtype: 'uint8', frames: FRAMES } },
      sinks: { out: { type: 'null', from: 's', stallAfter, stallMs: 600_000 } },
    },
    {},
    terminateWhereStalled,
  );

async function terminateWhereStalled(pipeline: InstanceType<typeof Pipeline>): Promise<void> {
  const settled = (): number => pipeline.report().sources.s!.ledger.inFlight;
  for (let before = -1; pipeline.state === 'running' || pipeline.state === 'draining'; ) {
    await delay(800);
    const now = settled();
    if (now === before) pipeline.terminateThread('out');
    before = now === before ? -1 : now;
  }
}

describe('a sink whose thread dies', () => {
  itFull(
    'with the same frame three times gives it up as dead, with a letter, and goes on with the next',
    { timeout: 120_000 },
    async () => {
      const { report, lines } = await run(0);
      expect(report).toMatchObject({ balanced: true });
      expect(report.sources.s!.ledger).toMatchObject({ delivered: 0, inFlight: 0, dead: { 'worker-lost': FRAMES } });
      expect(lines.filter(({ message }) => /was given up after 3 threads died/.test(message))).toHaveLength(FRAMES);
      expect(readdirSync(folder).filter((name) => name.endsWith('.letter'))).toHaveLength(FRAMES);
    },
  );

  it('with a batch tries each frame alone: those that it can deliver are delivered', { timeout: 120_000 }, async () => {
    const { report } = await run(1);
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(report.sources.s!.ledger).toMatchObject({ delivered: FRAMES, dead: {} });
  });
});
