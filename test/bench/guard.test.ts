import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SLOW_VARIABLE } from '../../bench/support/bench.js';

const GUARD = fileURLToPath(new URL('../../dist/bench/guard.js', import.meta.url));
const BASELINES = fileURLToPath(new URL('../../bench/baselines/guard.json', import.meta.url));
const ROW = 'stage-cost';

interface Result {
  readonly row: string;
  readonly floor: number;
  readonly median: number;
}

/** One process: what is shown is the comparison, not the spread. */
function guard(slow: string): { status: number | null; result: Result } {
  const env = { ...process.env, [SLOW_VARIABLE]: slow };
  const { status, stdout, stderr } = spawnSync(process.execPath, [GUARD, ROW, '--processes', '1', '--json'], { env, encoding: 'utf8' });
  expect(stderr).toBe('');
  return { status, result: (JSON.parse(stdout) as Result[])[0]! };
}

describe('the guard of the benches', () => {
  it('lets an unchanged row pass and fails when its measured path takes twice as long', () => {
    const unchanged = guard('');
    expect(unchanged.result).toMatchObject({ row: ROW });
    expect(unchanged.result.median).toBeGreaterThan(unchanged.result.floor);
    expect(unchanged.status).toBe(0);
    const slowed = guard(ROW);
    expect(slowed.result.median).toBeLessThan(slowed.result.floor);
    expect(slowed.status).toBe(1);
  });

  it('has one floor above zero for each of its rows', () => {
    const floors = JSON.parse(readFileSync(BASELINES, 'utf8')) as { row: string; bench: string; floor: number }[];
    expect(new Set(floors.map(({ row }) => row)).size).toBe(floors.length);
    for (const { floor } of floors) expect(floor).toBeGreaterThan(0);
  });
});
