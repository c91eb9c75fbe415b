import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SLOW_VARIABLE } from '../../bench/support/bench.js';

const GUARD = fileURLToPath(new URL('../../dist/bench/guard.js', import.meta.url));
const BASELINES = fileURLToPath(new URL('../../bench/baselines/guard.json', import.meta.url));
const FLOORS = JSON.parse(readFileSync(BASELINES, 'utf8')) as { row: string; bench: string; floors: Record<string, number> }[];
const ALL = FLOORS.map(({ row }) => row);

interface Result {
  readonly row: string;
  readonly floor: number;
  readonly median: number;
  readonly verdict: 'ok' | 'below' | 'disturbed';
}

/** One process of the benches of some rows: what is shown is the comparison, not the spread. */
function guard(rows: readonly string[], slow: readonly string[], retries = 0): { status: number | null; results: Result[] } {
  const env = { ...process.env, [SLOW_VARIABLE]: slow.join() };
  const args = [GUARD, ...rows, '--processes', '1', '--retries', `${retries}`, '--budget', '60', '--json'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  expect(stderr).toBe('');
  return { status, results: JSON.parse(stdout) as Result[] };
}

describe('the guard of the benches', () => {
  // Measured again as the guard itself does: other tests, or another machine's, may be at work for a while.
  it('lets unchanged rows pass', { timeout: 180_000 }, () => {
    const { status, results } = guard(['stage-cost', 'copy-64kib-bare'], [], 2);
    expect(results.map(({ row }) => row)).toEqual(['copy-64kib-bare', 'stage-cost']);
    expect(results.filter(({ verdict }) => verdict === 'below')).toEqual([]);
    expect(status).toBe(0);
  });

  it('fails each row whose measured path takes twice as long', { timeout: 300_000 }, () => {
    const { status, results } = guard([], ALL);
    expect(results.map(({ row }) => row)).toEqual(ALL);
    expect(results.filter(({ verdict }) => verdict === 'ok')).toEqual([]);
    // Where other work disturbed every measurement of every row, the guard judges none.
    expect(status).toBe(results.some(({ verdict }) => verdict === 'below') ? 1 : 0);
  });

  it('has a floor above zero for each of its rows and kinds of processor', () => {
    expect(new Set(ALL).size).toBe(ALL.length);
    for (const { floors } of FLOORS) expect(Math.min(floors.AMD!, floors.Intel!)).toBeGreaterThan(0);
  });
});
