import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const PAIR = fileURLToPath(new URL('../../dist/bench/pair.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'millrace-pair-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A build whose one row always takes so long, or does so many a second, give or take 5 % that change from call to call. */
function build(name: string, value: number, unit: string): string {
  const at = join(folder, name);
  mkdirSync(join(at, 'dist/bench'), { recursive: true });
  writeFileSync(join(at, 'package.json'), '{ "type": "module" }');
  const code = `const values = Array.from({ length: 7 }, (_, i) => ${value} * (0.95 + 0.1 * ((process.pid + 3 * i) % 7) / 6));
const side = { name: 'x', unit: '${unit}', values };
console.log(JSON.stringify({ machine: {}, rows: [{ row: 'synthetic', measured: side, reference: side, ratios: [1], ratio: '' }] }));`;
  writeFileSync(join(at, 'dist/bench/run.js'), code);
  return at;
}

function pair(older: string, newer: string): { status: number | null; stdout: string } {
  return spawnSync(process.execPath, [PAIR, older, newer, '--rounds', '3'], { encoding: 'utf8' });
}

describe('the comparison of two builds', () => {
  it('says slower and fails when the new build does 30 % less', () => {
    const { status, stdout } = pair(build('fast', 100, 'M/s'), build('less', 70, 'M/s'));
    expect(stdout).toMatch(/synthetic\s.*SLOWER/);
    expect(status).toBe(1);
  });

  it('says faster when the new build does 40 % more', () => {
    const { status, stdout } = pair(build('fast', 100, 'M/s'), build('more', 140, 'M/s'));
    expect(stdout).toMatch(/synthetic\s.*faster/);
    expect(status).toBe(0);
  });

  it('takes a larger cost for a slower build', () => {
    const { status, stdout } = pair(build('cheap', 10, 'ms'), build('dear', 14, 'ms'));
    expect(stdout).toMatch(/synthetic\s.*SLOWER/);
    expect(status).toBe(1);
  });

  it('tells no difference between a build and itself', () => {
    const same = build('same', 100, 'M/s');
    const { status, stdout } = pair(same, same);
    expect(stdout).toMatch(/no difference of 30 %/);
    expect(status).toBe(0);
  });
});
