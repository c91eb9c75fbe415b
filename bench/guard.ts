// The guard: every guarded row in three fresh processes; the median of their ratios must not fall below its floor.
//   node dist/bench/guard.js [row...] [--processes N] [--retries N] [--budget SECONDS] [--json]
// bench/baselines/guard.json has a floor for each kind of processor: the ratios differ between them. A floor lies below the
// spread of the unchanged code and above what a slow-down of two gives. On another kind of processor the lowest one counts.
// Processes that other work disturbed are measured again while the budget lasts, and so is, up to twice, what falls below.
// A row that falls below and was measured in too few quiet processes is `disturbed`, which is not a failure.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs, promisify } from 'node:util';
import type { BenchRow } from './support/bench.js';
import { commandLine, countOf, refuse } from './support/command-line.js';
import { DISTURBED } from './support/other-work.js';
import { median } from './support/statistics.js';

interface GuardedRow {
  readonly row: string;
  /** The bench that has the row. */
  readonly bench: string;
  /** By the maker of the processor, as it stands in the name of its model. */
  readonly floors: Readonly<Record<string, number>>;
}

interface Measurement {
  readonly ratio: number;
  /** Share of the processors that other processes used; 0 where the system does not say. */
  readonly disturbance: number;
}

interface Result {
  readonly row: string;
  readonly floor: number;
  readonly median: number;
  readonly ratios: readonly number[];
  readonly verdict: 'ok' | 'below' | 'disturbed';
  /** The largest share of the processors that other processes used during a measurement of the row. */
  readonly disturbance: number;
}

const USAGE = 'npm run bench:guard -- [row ...] [--processes N] [--retries N] [--budget SECONDS] [--json]';
const { values, positionals } = commandLine(USAGE, () =>
  parseArgs({
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      processes: { type: 'string', default: '3' },
      retries: { type: 'string', default: '2' },
      budget: { type: 'string', default: '225' },
      json: { type: 'boolean' },
    },
  }),
);
const file = new URL('../../bench/baselines/guard.json', import.meta.url);
const all = JSON.parse(await readFile(file, 'utf8')) as GuardedRow[];
const unknown = positionals.filter((name) => !all.some(({ row }) => row === name));
if (unknown.length > 0) refuse(USAGE, `no such row: ${unknown.join(', ')}; there are ${all.map(({ row }) => row).join(', ')}`);
const processes = countOf(USAGE, 'processes', values.processes);
const retries = countOf(USAGE, 'retries', values.retries, 0);
const untilMs = performance.now() + 1e3 * countOf(USAGE, 'budget', values.budget, 0);
const guarded = all.filter(({ row }) => positionals.length === 0 || positionals.includes(row));
const model = cpus()[0]?.model ?? 'unknown';
const run = promisify(execFile);

const found = new Map<string, Measurement[]>(guarded.map(({ row }) => [row, []]));
const isQuiet = ({ disturbance }: Measurement): boolean => disturbance <= DISTURBED;

/** One process of each bench that has one of the rows. */
async function measure(rows: readonly GuardedRow[]): Promise<void> {
  for (const bench of new Set(rows.map((row) => row.bench))) {
    const wanted = rows.filter((row) => row.bench === bench).map(({ row }) => row);
    const args = [new URL('./run.js', import.meta.url).pathname, bench, '--json', '--quick', '--repeats', '7', '--rows', wanted.join()];
    const output = JSON.parse((await run(process.execPath, args, { maxBuffer: 2 ** 24 })).stdout) as {
      rows: BenchRow[];
      disturbance?: number;
    };
    for (const { row, ratios } of output.rows) found.get(row)?.push({ ratio: median(ratios), disturbance: output.disturbance ?? 0 });
  }
}

function floorOf({ floors }: GuardedRow): number {
  const maker = Object.keys(floors).find((name) => model.includes(name));
  return maker === undefined ? Math.min(...Object.values(floors)) : floors[maker]!;
}

/** From the quiet measurements, if there are enough of them, else from all. */
function judge(guard: GuardedRow): Result {
  const measurements = found.get(guard.row)!;
  const quiet = measurements.filter(isQuiet);
  const isJudged = quiet.length > processes / 2;
  const ratios = (isJudged ? quiet : measurements).map(({ ratio }) => ratio);
  const floor = floorOf(guard);
  const ratio = median(ratios);
  return {
    row: guard.row,
    floor,
    median: ratio,
    ratios,
    verdict: ratio >= floor ? 'ok' : isJudged ? 'below' : 'disturbed',
    disturbance: Math.max(...measurements.map(({ disturbance }) => disturbance)),
  };
}

const lacking = (): GuardedRow[] => guarded.filter(({ row }) => found.get(row)!.filter(isQuiet).length < processes);
const failing = (): GuardedRow[] => guarded.filter((guard) => judge(guard).verdict === 'below');

for (let round = 0; round < processes; round++) await measure(guarded);
while (lacking().length > 0 && performance.now() < untilMs) await measure(lacking());
for (let retry = 0; retry < retries && failing().length > 0; retry++) {
  const again = failing();
  if (!values.json) console.log(`below its floor, measured again: ${again.map(({ row }) => row).join(', ')}`);
  for (const { row } of again) found.set(row, []);
  for (let round = 0; round < processes; round++) await measure(again);
}

const results = guarded.map(judge);
const words = { ok: 'ok', below: 'BELOW ITS FLOOR', disturbed: 'not judged' } as const;
if (values.json) console.log(JSON.stringify(results));
else {
  console.log(model);
  for (const { row, floor, median: ratio, ratios, verdict } of results) {
    const spread = `[${Math.min(...ratios).toFixed(2)} .. ${Math.max(...ratios).toFixed(2)}]`;
    console.log(`${row.padEnd(24)} ${ratio.toFixed(2)} ${spread}, floor ${floor}: ${words[verdict]}`);
  }
  const disturbed = results.filter(({ verdict }) => verdict === 'disturbed');
  if (disturbed.length > 0) {
    const most = Math.round(100 * Math.max(...disturbed.map(({ disturbance }) => disturbance)));
    console.log(
      `${disturbed.length} of ${results.length} rows were not judged: other processes used up to ${most} % of the processors. Run the guard again on a quiet machine.`,
    );
  }
}
process.exitCode = results.some(({ verdict }) => verdict === 'below') ? 1 : 0;
