import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SequenceTracker } from '../../../src/agents/ingress/sequence-tracker.js';

const SEED = Number(process.env.MILLRACE_TEST_SEED ?? 20261130);
const RUNS = { seed: SEED, numRuns: 3000 };

const add = (numbers: readonly number[]): SequenceTracker => {
  const tracker = new SequenceTracker();
  for (const number of numbers) tracker.add(number);
  return tracker;
};

const listed = (ranges: readonly (readonly [number, number])[]): number[] =>
  ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i));

/** The numbers from `first` to `last` that are not in the set, by the definition. */
const missingOf = (seen: ReadonlySet<number>, first: number, last: number): number[] => {
  const missing: number[] = [];
  for (let n = first; n <= last; n++) if (!seen.has(n)) missing.push(n);
  return missing;
};

test('a stream without gaps has none, wherever it begins', () => {
  const numbers = Array.from({ length: 1000 }, (_, i) => 1000 + i);
  const nothing = { numbered: 1000, repeated: 0, unusable: 0, missing: [], unknown: undefined };
  expect(add(numbers).verdict).toEqual({ ...nothing, first: 1000, last: 1999 });
  expect(add(numbers.reverse()).verdict).toEqual({ ...nothing, first: 1000, last: 1999 });
});

test('a number below the first one that came opens gaps too', () => {
  expect(add([3, 0, 4]).verdict).toMatchObject({ missing: [[1, 2]], first: 0, last: 4 });
  const missing = [
    [1, 93],
    [95, 95],
    [97, 97],
    [99, 99],
  ];
  expect(add([100, 98, 96, 94, 0]).verdict).toMatchObject({ missing, repeated: 0 });
});

test(`what is missing is what a set says is missing, in any order, with repeats (seed ${SEED})`, () => {
  const near = fc.array(fc.nat({ max: 60 }), { minLength: 1, maxLength: 60 });
  const orders = fc.oneof(
    near,
    near.chain((numbers) => fc.shuffledSubarray([...new Set(numbers)], { minLength: 1 })),
    fc.array(fc.integer({ min: -30, max: 30 }), { minLength: 1 }),
  );
  const property = fc.property(orders, fc.integer({ min: -40, max: 70 }), fc.nat({ max: 60 }), (numbers, from, length) => {
    const tracker = add(numbers);
    const seen = new Set(numbers);
    const first = Math.min(...numbers);
    const last = Math.max(...numbers);
    const { verdict } = tracker;
    expect(verdict).toMatchObject({ numbered: numbers.length, repeated: numbers.length - seen.size, unusable: 0, first, last });
    expect(verdict.unknown).toBeUndefined();
    expect(listed(verdict.missing)).toEqual(missingOf(seen, first, last));
    const to = from + length - 1;
    expect(listed(tracker.missingBetween(from, to))).toEqual(missingOf(seen, from, to));
    expect(tracker.countOutside(from, to)).toBe([...seen].filter((n) => n < from || n > to).length);
  });
  fc.assert(property, RUNS);
});

test('a number that is not whole, or too large to count on from, is counted and placed nowhere', () => {
  const { verdict } = add([1, Number.NaN, 2, 2.5, 2 ** 60, Number.POSITIVE_INFINITY, 3]);
  expect(verdict).toMatchObject({ numbered: 7, unusable: 4, missing: [], first: 1, last: 3 });
});

test('of more than a thousand gaps at a time the oldest are unknown, and what is listed stays bounded', () => {
  const even = Array.from({ length: 2000 }, (_, i) => 2 * i);
  const { missing, unknown } = add(even).verdict;
  expect(missing).toHaveLength(1000);
  expect(unknown).toEqual({ first: 0, last: 1998, missingAtLeast: 999 });
  expect(add(even.toReversed()).verdict.missing).toHaveLength(1000);
});

test('after a thousand gaps that were filled later it is not known that all came', () => {
  const numbers = Array.from({ length: 4000 }, (_, i) => i);
  const tracker = add([...numbers.filter((n) => n % 2 === 0), ...numbers.filter((n) => n % 2 === 1)]);
  expect(tracker.verdict.missing).toEqual([]);
  expect(tracker.verdict.unknown).toMatchObject({ missingAtLeast: 0 });
});

test(`beyond the bound, what is said to be missing is missing, and at least so many are (seed ${SEED})`, () => {
  // Few in a wide range: nearly every number opens a gap.
  const wide = fc.array(fc.nat({ max: 20_000 }), { minLength: 1100, maxLength: 2500 });
  let forgot = 0;
  const property = fc.property(wide, (numbers) => {
    const { missing, unknown, first, last } = add(numbers).verdict;
    const seen = new Set(numbers);
    const truth = missingOf(seen, first, last);
    const said = listed(missing);
    expect(said.every((n) => !seen.has(n))).toBe(true);
    expect(missing.length).toBeLessThanOrEqual(1000);
    if (unknown) forgot++;
    const inUnknown = unknown ? truth.filter((n) => n >= unknown.first && n <= unknown.last).length : 0;
    expect(said.length + inUnknown).toBe(truth.length);
    if (unknown) expect(unknown.missingAtLeast).toBeLessThanOrEqual(inUnknown);
  });
  fc.assert(property, { seed: SEED, numRuns: 30 });
  expect(forgot).toBeGreaterThan(10);
});
