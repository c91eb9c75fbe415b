import { median } from './statistics.js';

/** One side of a comparison: what was measured in each repetition. */
export interface Measured {
  readonly name: string;
  readonly unit: string;
  readonly values: readonly number[];
}

export interface BenchRow {
  /** Kebab-case and unique among all benches: what a baseline and a planted slow-down are named by. */
  readonly row: string;
  readonly measured: Measured;
  readonly reference: Measured;
  /** One a repetition, of what ran side by side; larger is better for us. */
  readonly ratios: readonly number[];
  /** What the ratio says, in words. */
  readonly ratio: string;
  /** The least median ratio that is promised. */
  readonly bar?: number;
  readonly notes?: readonly string[];
}

export interface BenchOptions {
  /** Repetitions, seven at least. */
  readonly repeats: number;
  /** Share of the usual amount of work: a guard takes less than a table that is published. */
  readonly scale: number;
  /** The rows that are wanted; all where absent. A bench leaves out what no wanted row needs. */
  readonly rows?: ReadonlySet<string> | undefined;
}

export const isWanted = ({ rows }: BenchOptions, row: string): boolean => rows?.has(row) ?? true;

/** A bench checks its own result, and throws when it is wrong. */
export interface Bench {
  readonly name: string;
  readonly run: (options: BenchOptions) => Promise<BenchRow[]>;
}

/** The environment variable that names the rows, with commas, whose measured path is to take twice as long. */
export const SLOW_VARIABLE = 'MILLRACE_BENCH_SLOW';
export const isSlow = (row: string): boolean => (process.env[SLOW_VARIABLE] ?? '').split(',').includes(row);

/** Burns so many milliseconds of the calling thread. */
export function burn(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

export function check(holds: boolean, text: string): asserts holds {
  if (!holds) throw new Error(`wrong result: ${text}`);
}

/** Whether a row meets what is promised; undefined where nothing is. */
export const meetsBar = (row: BenchRow): boolean | undefined => (row.bar === undefined ? undefined : median(row.ratios) >= row.bar);
