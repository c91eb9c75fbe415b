// Two builds in turn: node dist/bench/pair.js OLD NEW [bench...], each a folder with dist/. Tells a difference of 30 %.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import type { BenchRow } from './support/bench.js';
import { commandLine, countOf, refuse } from './support/command-line.js';
import { median } from './support/statistics.js';

const USAGE = 'npm run bench:pair -- OLD NEW [bench ...] [--rounds N]';
const { values, positionals } = commandLine(USAGE, () =>
  parseArgs({ allowPositionals: true, options: { help: { type: 'boolean', short: 'h' }, rounds: { type: 'string', default: '7' } } }),
);
const [older, newer, ...benches] = positionals;
if (older === undefined || newer === undefined) refuse(USAGE, 'two folders with a build each are needed');
const rounds = countOf(USAGE, 'rounds', values.rounds);
const run = promisify(execFile);

/** The absolute figure of each row in one process of a build; costs are turned round, so that larger is better. */
async function measure(folder: string): Promise<Map<string, number>> {
  const { stdout } = await run(process.execPath, [join(folder, 'dist/bench/run.js'), ...benches, '--json', '--quick'], {
    maxBuffer: 2 ** 24,
  });
  const { rows } = JSON.parse(stdout) as { rows: BenchRow[] };
  return new Map(
    rows.map(({ row, measured }) => [
      row,
      /^(us|ms|source intervals)/.test(measured.unit) ? 1 / median(measured.values) : median(measured.values),
    ]),
  );
}

const ratios = new Map<string, number[]>();
for (let round = 0; round < rounds; round++) {
  const [first, second] = round % 2 ? [newer, older] : [older, newer];
  const one = await measure(first);
  const two = await measure(second);
  const [before, after] = round % 2 ? [two, one] : [one, two];
  for (const [row, value] of after) ratios.set(row, [...(ratios.get(row) ?? []), value / (before.get(row) ?? Number.NaN)]);
}
for (const [row, all] of ratios) {
  const ratio = median(all);
  const verdict = ratio < 0.77 ? 'SLOWER' : ratio > 1.3 ? 'faster' : 'no difference of 30 %';
  console.log(
    `${row.padEnd(24)} ${ratio.toFixed(2)} [${Math.min(...all).toFixed(2)} .. ${Math.max(...all).toFixed(2)}] new to old: ${verdict}`,
  );
}
process.exitCode = [...ratios.values()].some((all) => median(all) < 0.77) ? 1 : 0;
