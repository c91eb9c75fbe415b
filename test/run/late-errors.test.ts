import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { runCommand } from '../support/run-command.js';
import { operatorPath, Pipeline, recordingLogger, runPipeline, specFromObject } from '../support/run-pipeline.js';
import { sized } from '../support/test-size.js';

const folder = mkdtempSync(join(tmpdir(), 'millrace-late-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const sim = (more: object): object => ({ type: 'sim', pattern: 'counter', shape: [4, 4], dtype: 'uint8', ...more });
const SAYS = { timer: 'thrown by a timer', promise: 'a promise that nothing awaits', null: 'it threw "null"' } as const;

describe('what an operator leaves behind', () => {
  for (const kind of sized(['timer'] as const, ['timer', 'promise', 'null'] as const)) {
    it(`(${kind}) fails after the last frame of its stage: one log line, and the rest of the run is untouched`, async () => {
      const { logger, lines } = recordingLogger();
      const pipeline = new Pipeline(
        specFromObject({
          version: 1,
          sources: { short: sim({ frames: 20 }), long: { type: 'push', maxFrame: 16 } },
          stages: {
            late: { from: 'short', operators: [{ type: operatorPath('leaves-behind'), at: 19, kind, afterClose: true }] },
            other: { from: 'long', operators: [] },
          },
          sinks: { a: { type: 'null', from: 'late' }, b: { type: 'null', from: 'other' } },
        }),
        { logger },
      );
      await pipeline.start();
      const source = pipeline.source('long');
      await source.push({ data: Uint8Array.of(0) });
      while (!lines.some(({ message }) => message.includes(SAYS[kind]))) await delay(10);
      for (let i = 1; i < 200; i++) await source.push({ data: Uint8Array.of(i) });
      source.end();
      const report = await pipeline.closed;
      expect(report).toMatchObject({ ok: true, balanced: true, sources: { long: { ledger: { delivered: 200 } } } });
      expect(report.stages.late!.restarts).toBe(0);
      const said = lines.filter(({ message }) => message.includes(SAYS[kind]));
      expect(said).toMatchObject([{ level: 'error', fields: { stage: 'late' } }]);
    });

    it(`(${kind}) fails while its worker is at work: the worker is replaced, and no frame is missing`, async () => {
      const { report } = await runPipeline({
        sources: { s: sim({ frames: 300, rate: 300 }) },
        stages: { late: { from: 's', operators: [{ type: operatorPath('leaves-behind'), at: 10, kind, afterMs: 100 }] } },
        sinks: { out: { type: 'null', from: 'late' } },
      });
      expect(report).toMatchObject({ ok: true, balanced: true, stages: { late: { restarts: 1 } } });
      expect(report.sources.s!.ledger.delivered).toBe(300);
    });
  }

  it('does not end the command: exit 0, a report, and a file with its final name', { timeout: 30_000 }, async () => {
    const { code, stderr } = await runCommand(
      folder,
      'late.yaml',
      {
        sources: { short: sim({ frames: 20 }), long: sim({ frames: 200, rate: 200 }) },
        stages: { late: { from: 'short', operators: [{ type: operatorPath('leaves-behind'), at: 19, kind: 'timer', afterMs: 300 }] } },
        sinks: { a: { type: 'null', from: 'late' }, rows: { type: 'file', from: 'long', path: join(folder, 'out', 'rows.ndjson') } },
      },
      ['--no-ctl', '--report', join(folder, 'late.json')],
    );
    expect(code).toBe(0);
    expect(stderr).toContain('thrown by a timer');
    expect(readdirSync(join(folder, 'out'))).toEqual(['rows.ndjson']);
    expect(
      readFileSync(join(folder, 'out', 'rows.ndjson'), 'utf8')
        .trim()
        .split('\n'),
    ).toHaveLength(200);
    expect(JSON.parse(readFileSync(join(folder, 'late.json'), 'utf8'))).toMatchObject({ ok: true });
  });
});
