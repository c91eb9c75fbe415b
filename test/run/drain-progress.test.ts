import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import type { Report } from '../../src/observe/report.js';
import { runCommand } from '../support/run-command.js';
import { operatorPath, runPipeline } from '../support/run-pipeline.js';
import { itFull } from '../support/test-size.js';

const folder = mkdtempSync(join(tmpdir(), 'millrace-progress-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const sim = (more: object): object => ({ type: 'sim', pattern: 'counter', shape: [4, 4], dtype: 'uint8', ...more });
const dawdle = (more: object): object => ({ type: operatorPath('dawdle'), ...more });

describe('a drain that began because the sources ended', () => {
  const drained = async (frames: number, operators: readonly object[]): Promise<Report> => {
    const { report } = await runPipeline({
      drain: { deadlineMs: 400 },
      sources: { s: sim({ frames }) },
      stages: { work: { from: 's', operators } },
      sinks: { out: { type: 'null', from: 'work' } },
    });
    expect(report).toMatchObject({ ok: true, balanced: true });
    return report;
  };

  it('goes on while frames are filtered, although nothing is delivered', async () => {
    const { sources } = await drained(30, [dawdle({ ms: 50, pass: false })]);
    expect(sources.s!.ledger.filtered).toBe(30);
  });

  itFull('goes on while frames are merged', async () => {
    const { sources } = await drained(30, [dawdle({ ms: 50 }), { type: 'accumulate', shape: [4, 4] }]);
    expect(sources.s!.ledger.merged + sources.s!.ledger.delivered).toBe(30);
  });

  it('goes on while a worker is at one frame for longer than the deadline, within its stallMs', async () => {
    const { sources } = await drained(2, [dawdle({ ms: 1200 })]);
    expect(sources.s!.ledger.delivered).toBe(2);
  });
});

describe('stallMs', () => {
  it('counts each record of a parcel by itself in an asynchronous stage', async () => {
    const { report } = await runPipeline({
      sources: { s: sim({ frames: 100, parcel: { bytes: '64KiB', waitUs: 50_000 } }) },
      stages: { work: { from: 's', stallMs: 900, operators: [dawdle({ ms: 20, wait: true })] } },
      sinks: { out: { type: 'null', from: 'work' } },
    });
    expect(report).toMatchObject({ ok: true, balanced: true, stages: { work: { restarts: 0 } } });
    expect(report.sources.s!.ledger.delivered).toBe(100);
  });

  it('still ends an asynchronous worker that does not come back from a record', async () => {
    const { report, lines } = await runPipeline({
      sources: { s: sim({ frames: 3, parcel: { bytes: '64KiB', waitUs: 1000 } }) },
      stages: { work: { from: 's', stallMs: 300, attempts: 1, operators: [dawdle({ ms: 600_000, wait: true })] } },
      sinks: { out: { type: 'null', from: 'work' } },
    });
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(report.sources.s!.ledger.dead).toEqual({ 'worker-lost': 3 });
    expect(lines.map(({ message }) => message)).toContainEqual(expect.stringContaining("stage 'work' spent more than 300 ms on one frame"));
  });
});

describe.skipIf(process.platform === 'win32')('time in which the process is stopped', () => {
  itFull('counts neither for stallMs nor for the deadline of the drain', { timeout: 60_000 }, async () => {
    const { code, stderr } = await runCommand(
      folder,
      'stopped.yaml',
      {
        drain: { deadlineMs: 6000 },
        sources: { s: sim({}) },
        stages: { work: { from: 's', capacity: 4, stallMs: 3000, concurrency: 1, operators: [dawdle({ ms: 200, wait: true })] } },
        sinks: { out: { type: 'print', from: 'work' } },
      },
      ['--no-ctl', '--quiet', '--report', join(folder, 'stopped.json')],
      async (child) => {
        await new Promise((resolve) => child.stdout!.once('data', resolve));
        child.kill('SIGTERM');
        await delay(100);
        child.kill('SIGSTOP');
        await delay(8000);
        child.kill('SIGCONT');
      },
    );
    expect(stderr).not.toContain('stallMs');
    const report = JSON.parse(readFileSync(join(folder, 'stopped.json'), 'utf8')) as Report;
    expect(report).toMatchObject({ ok: true, balanced: true, stages: { work: { restarts: 0 } } });
    expect(report.durationS).toBeGreaterThan(8);
    expect(code).toBe(0);
  });
});
