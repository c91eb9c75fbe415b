// The guard: every guarded row in five fresh processes; the median of their ratios must not fall below its floor.
//   node dist/bench/guard.js [row...] [--processes N] [--retries N] [--json]
// What falls below is measured again, up to twice: a machine that was busy for a minute is no regression, and a regression
// falls below every time. Floors stand in bench/baselines/guard.json, below the spread that was measured when they were set.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { parseArgs, promisify } from 'node:util';
import type { BenchRow } from './support/bench.js';
import { commandLine, countOf, refuse } from './support/command-line.js';
import { median } from './support/statistics.js';

interface Floor {
  readonly row: string;
  /** The bench that has the row. */
  readonly bench: string;
  readonly floor: number;
}

const USAGE = 'npm run bench:guard -- [row ...] [--processes N] [--retries N] [--json]';
const { values, positionals } = commandLine(USAGE, () =>
  parseArgs({
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      processes: { type: 'string', default: '5' },
      retries: { type: 'string', default: '2' },
      json: { type: 'boolean' },
    },
  }),
);
const file = new URL('../../bench/baselines/guard.json', import.meta.url);
const all = JSON.parse(await readFile(file, 'utf8')) as Floor[];
const unknown = positionals.filter((name) => !all.some(({ row }) => row === name));
if (unknown.length > 0) refuse(USAGE, `no such row: ${unknown.join(', ')}; there are ${all.map(({ row }) => row).join(', ')}`);
const processes = countOf(USAGE, 'processes', values.processes);
const retries = countOf(USAGE, 'retries', values.retries, 0);
const floors = all.filter(({ row }) => positionals.length === 0 || positionals.includes(row));
const run = promisify(execFile);

interface Result {
  readonly row: string;
  readonly floor: number;
  readonly median: number;
  readonly ratios: readonly number[];
}

async function measure(wanted: readonly Floor[]): Promise<Result[]> {
  const ratios = new Map<string, number[]>(wanted.map(({ row }) => [row, []]));
  for (let i = 0; i < processes; i++) {
    for (const bench of new Set(wanted.map((floor) => floor.bench))) {
      const args = [new URL('./run.js', import.meta.url).pathname, bench, '--json', '--quick', '--repeats', '7'];
      const { rows } = JSON.parse((await run(process.execPath, args, { maxBuffer: 2 ** 24 })).stdout) as { rows: BenchRow[] };
      for (const { row, ratios: measured } of rows) ratios.get(row)?.push(median(measured));
    }
  }
  return wanted.map(({ row, floor }) => ({ row, floor, median: median(ratios.get(row)!), ratios: ratios.get(row)! }));
}

const isBelow = ({ median: ratio, floor }: Result): boolean => !(ratio >= floor);
const results = await measure(floors);
for (let retry = 0; retry < retries && results.some(isBelow); retry++) {
  const again = new Set(results.filter(isBelow).map(({ row }) => row));
  if (!values.json) console.log(`below, measured again: ${[...again].join(', ')}`);
  for (const result of await measure(floors.filter(({ row }) => again.has(row)))) {
    results[results.findIndex(({ row }) => row === result.row)] = result;
  }
}
const below = results.filter(isBelow);
if (values.json) console.log(JSON.stringify(results));
else {
  for (const { row, floor, median: ratio, ratios: all } of results) {
    const verdict = ratio >= floor ? 'ok' : 'BELOW ITS FLOOR';
    console.log(
      `${row.padEnd(24)} ${ratio.toFixed(2)} [${Math.min(...all).toFixed(2)} .. ${Math.max(...all).toFixed(2)}], floor ${floor}: ${verdict}`,
    );
  }
}
process.exitCode = below.length > 0 ? 1 : 0;
