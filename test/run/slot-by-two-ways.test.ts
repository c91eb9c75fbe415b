import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { Pipeline } from '#dist/src/run/pipeline.js';
import { specFromObject } from '#dist/src/spec/load.js';

const FRAMES = 300;
const folder = mkdtempSync(join(tmpdir(), 'millrace-two-ways-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('a frame that comes to an asynchronous stage by two ways is handed on by both, though it is in one slot', async () => {
  const path = join(folder, 'later.mjs');
  writeFileSync(
    path,
    `import { setTimeout as delay } from 'node:timers/promises';
let n = 0;
export default () => ({ async process(frame, out) { await delay(n++ % 4); out.emit(frame); } });`,
  );
  const pipeline = new Pipeline(
    specFromObject({
      version: 1,
      sources: { s: { type: 'sim', pattern: 'counter', shape: [1, 16], dtype: 'uint8', frames: FRAMES } },
      stages: {
        as: { from: 's', operators: [] },
        both: { from: ['s', 'as'], order: 'none', operators: [{ type: path }] },
      },
      sinks: { k: { type: 'null', from: 'both', order: 'none', checksum: true } },
    }),
  );
  await pipeline.start();
  const report = await pipeline.closed;
  expect(report.sources.s?.ledger).toMatchObject({ received: FRAMES, delivered: FRAMES, dead: {} });
  expect(report.sinks.k?.delivered).toBe(2 * FRAMES);
});
