import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Report } from '../../src/observe/report.js';
import { runCommand } from '../support/run-command.js';
import { itFull } from '../support/test-size.js';

const folder = mkdtempSync(join(tmpdir(), 'millrace-verdict-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// Frames 0 and 1 pass, the others fail.
writeFileSync(
  join(folder, 'after-two.mjs'),
  `export default () => ({ process(frame, out) { if (frame.sequence > 1) throw new Error('a dark frame is missing'); out.emit(frame); } });\n`,
);
const DYING = {
  name: 'dying',
  sources: { camera: { type: 'sim', pattern: 'counter', shape: [4, 4], frames: 15 } },
  stages: { reduce: { from: 'camera', attempts: 1, operators: [{ type: './after-two.mjs' }] } },
  sinks: { out: { type: 'null', from: 'reduce' } },
};

/** An NPY file of version 1.0 with one frame of 2 x 2 uint16: see numpy.lib.format. */
function npy(): Buffer {
  const header = "{'descr': '<u2', 'fortran_order': False, 'shape': (2, 2), }".padEnd(117);
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00\x76\x00', 'latin1'), Buffer.from(`${header}\n`), Buffer.alloc(8)]);
}

/** Exit code, `--json` and the summary of the same run must agree. */
async function run(description: object, ...options: string[]): Promise<{ exitCode: number | null; report: Report; text: string }> {
  const json = await runCommand(folder, 'p.yaml', description, ['--no-ctl', '--json', ...options]);
  const report = JSON.parse(json.stdout) as Report;
  const text = await runCommand(folder, 'p.yaml', description, ['--no-ctl', ...options]);
  expect(text.code).toBe(json.code);
  expect(report.ok).toBe(json.code === 0);
  expect(report.failures.length === 0).toBe(report.ok);
  expect(text.stdout).toContain(`${report.name}: ${report.ok ? 'done' : 'FAILED'} in`);
  for (const { message } of report.failures) expect(text.stdout).toContain(`failed: ${message}`);
  return { exitCode: json.code, report, text: text.stdout };
}

describe('the end of a run', () => {
  it('exits with 1 when frames died, and names how many, where and why', async () => {
    const { exitCode, report, text } = await run(DYING);
    expect(exitCode).toBe(1);
    expect(report.failures).toMatchObject([{ kind: 'dead', node: 'camera', count: 13 }]);
    expect(text).toContain("13 of 15 frames from 'camera' died (13 operator-failed); the first at 'reduce'");
    expect(text).toContain('a dark frame is missing');
  });

  itFull('exits with 0 when the file or the command line allows dead frames', async () => {
    const allowing = { ...DYING, failOn: 'none' };
    expect((await run(allowing)).report).toMatchObject({ ok: true, failOn: [], remarks: [{ kind: 'dead', count: 13 }] });
    expect((await run(allowing, '--fail-on', 'dead,unverifiable')).exitCode).toBe(1);
    expect((await run(DYING, '--fail-on', 'none')).exitCode).toBe(0);
  });

  it('is not complete when files could not be read, and exits with 1', async () => {
    for (let n = 0; n < 12; n++) writeFileSync(join(folder, `scan-${10 + n}.npy`), n === 0 ? npy() : 'not an NPY file');
    const scan = {
      name: 'scan',
      sources: { scan: { type: 'file', path: 'scan-*.npy' } },
      sinks: { out: { type: 'null', from: 'scan' } },
    };
    const { exitCode, report, text } = await run(scan);
    expect(exitCode).toBe(1);
    expect(report.sources.scan).toMatchObject({ verdict: { state: 'incomplete' }, unreadable: { files: 11, frames: 0, of: 12 } });
    expect(report.sources.scan!.unreadable!.first).toHaveLength(5);
    expect(report.failures.map(({ kind }) => kind).sort()).toEqual(['incomplete', 'unreadable']);
    expect(text).toContain('11 of 12 files');
    expect((await run(scan, '--fail-on', 'dead')).exitCode).toBe(0);
  });

  it('refuses a word that is not a kind of failure', async () => {
    const { code, stderr } = await runCommand(folder, 'p.yaml', DYING, ['--fail-on', 'death']);
    expect(code).toBe(2);
    expect(stderr).toContain("'death' is not one of dead, dropped, incomplete, unverifiable, unreadable, none");
  });
});
