import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { simulatedMask } from '../../src/ingress/sim-ingress.js';

const main = path.resolve(import.meta.dirname, '../../dist/src/cli/main.js');

describe('demo', () => {
  let out: string;
  let stdout: string;
  beforeAll(() => {
    out = mkdtempSync(path.join(tmpdir(), 'millrace-demo-'));
    const run = spawnSync(process.execPath, [main, 'demo', '--frames', '40', '--out', out], { encoding: 'utf8', timeout: 60_000 });
    stdout = run.stdout;
    expect(run.status, `${run.stdout}${run.stderr}`).toBe(0);
  });
  afterAll(() => rmSync(out, { recursive: true }));

  it('accounts for every frame that the detector sent over the socket', () => {
    const report = JSON.parse(readFileSync(path.join(out, 'report.json'), 'utf8'));
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(report.sources.detector.ledger).toMatchObject({ received: 40, delivered: 40, dropped: {}, dead: {}, inFlight: 0 });
    expect(report.sources.detector.verdict).toEqual({ state: 'complete' });
    expect(stdout).toContain('40 results reached the client');
  });

  it('finds the rings of CeO2 where Bragg puts them', () => {
    const [header, ...lines] = readFileSync(path.join(out, 'profile.csv'), 'utf8').trimEnd().split('\n');
    expect(header).toBe('q_A^-1,intensity,sigma');
    const bins = lines.map((line) => line.split(',').map(Number) as [number, number, number]);
    expect(bins).toHaveLength(1000);
    const width = bins[1]![0] - bins[0]![0];
    for (const hkl of [
      [1, 1, 1],
      [2, 0, 0],
      [2, 2, 0],
      [3, 1, 1],
      [2, 2, 2],
      [4, 0, 0],
      [3, 3, 1],
    ]) {
      const q = (2 * Math.PI * Math.hypot(...hkl)) / 5.4113;
      const near = bins.filter(([x]) => Math.abs(x - q) < 0.06);
      const top = near.reduce((a, b) => (b[1] > a[1] ? b : a));
      expect(Math.abs(top[0] - q), hkl.join('')).toBeLessThan(2 * width);
      expect(top[1]).toBeGreaterThan(1.5 * Math.min(...near.map(([, y]) => y)));
    }
  });

  it('writes a plot and an image', () => {
    expect(readFileSync(path.join(out, 'profile.svg'), 'utf8')).toMatch(/^<svg .*<\/svg>\n$/s);
    // The signature of PNG, and width and height in its first chunk.
    const png = readFileSync(path.join(out, 'frame.png'));
    expect(png.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n');
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([1024, 1024]);
  });

  it('masks what the simulation marks as dead', () => {
    const mask = readFileSync(path.join(out, 'mask.npy'));
    expect(Buffer.compare(mask.subarray(mask.length - 1024 * 1024), simulatedMask({ shape: [1024, 1024] }))).toBe(0);
  });
});
