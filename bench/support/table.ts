import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type BenchRow, type Measured, meetsBar } from './bench.js';
import { spread } from './statistics.js';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly commit: string;
}

export function machine(): Machine {
  let commit = 'unknown';
  try {
    const cwd = fileURLToPath(new URL('../../..', import.meta.url));
    commit = execFileSync('git', ['describe', '--always', '--dirty'], {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    // Not a clone, or no git: the figures stand without it.
  }
  return { cpu: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), node: process.version, commit };
}

const number = (value: number): string => (Math.abs(value) >= 1000 ? value.toFixed(0) : value.toPrecision(3));

function range(values: readonly number[]): string {
  const { median, min, max } = spread(values);
  return `${number(median)} [${number(min)} .. ${number(max)}]`;
}

const side = ({ name, unit, values }: Measured): string => `${name}: ${range(values)} ${unit}`;

/** The lines of a table: median and [least .. most] of each side and of the ratio, and whether the bar holds. */
export function tableLines(rows: readonly BenchRow[]): string[] {
  const cells = rows.map((row) => {
    const met = meetsBar(row);
    const verdict = met === undefined ? '' : `${met ? 'holds' : 'MISSED'}: at least ${row.bar}`;
    return [row.row, range(row.ratios), verdict, side(row.measured), side(row.reference), row.ratio];
  });
  const head = ['row', 'ratio', 'bar', 'measured', 'against', 'ratio of'];
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map((line) => line[i]!.length)));
  const lines = [head, ...cells].map((line) =>
    line
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  );
  for (const row of rows) for (const note of row.notes ?? []) lines.push(`${row.row}: ${note}`);
  return lines;
}

export function machineLine({ cpu, cores, node, commit }: Machine): string {
  return `${cpu}, ${cores} cores, Node ${node}, commit ${commit}; median [least .. most]`;
}
