import { readFileSync } from 'node:fs';

/** The content of test/golden/<name>.json. */
export function readGolden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`./${name}.json`, import.meta.url), 'utf8')) as T;
}

/** Largest relative deviation (absolute where the reference is 0); NaN and missing values count as infinite. */
export function largestDeviation(values: ArrayLike<number>, expected: readonly (number | null)[]): number {
  if (values.length !== expected.length) return Infinity;
  let largest = 0;
  for (const [index, reference] of expected.entries()) {
    const value = values[index]!;
    if (reference === null) {
      if (!Number.isNaN(value)) return Infinity;
      continue;
    }
    const deviation = Math.abs(value - reference) / (reference === 0 ? 1 : Math.abs(reference));
    if (Number.isNaN(deviation)) return Infinity;
    if (deviation > largest) largest = deviation;
  }
  return largest;
}
