import { expect, test } from 'vitest';
import { SequenceTracker } from '../../src/agents/sequence-tracker.js';

/** The missing numbers by the definition: all between the first and the highest that never came. */
function missingOf(numbers: readonly number[]): number[] {
  const seen = new Set(numbers);
  const missing: number[] = [];
  for (let n = numbers[0]!; n < Math.max(...numbers); n++) if (!seen.has(n)) missing.push(n);
  return missing;
}

const listed = (ranges: readonly (readonly [number, number])[]): number[] =>
  ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i)).sort((a, b) => a - b);

test('a stream without gaps has none, wherever it starts', () => {
  const tracker = new SequenceTracker();
  for (let n = 1000; n < 2000; n++) tracker.add(n);
  expect(tracker.verdict).toEqual({ numbered: 1000, repeated: 0, missing: [], unlisted: 0, first: 1000, last: 1999 });
});

test('what is missing is what a set says is missing, with late arrivals, gaps and repeats (seeds 1 to 200)', () => {
  for (let seed = 1; seed <= 200; seed++) {
    let state = seed;
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const numbers: number[] = [0];
    for (let n = 1; n < 100; n++) if (random(5) > 0) numbers.push(n);
    for (let i = 1; i < numbers.length; i++) {
      const j = 1 + random(numbers.length - 1);
      if (Math.abs(i - j) < 6) [numbers[i], numbers[j]] = [numbers[j]!, numbers[i]!];
    }
    numbers.push(...numbers.filter(() => random(10) === 0));
    const tracker = new SequenceTracker();
    for (const n of numbers) tracker.add(n);
    expect(listed(tracker.verdict.missing), `seed ${seed}`).toEqual(missingOf(numbers));
    expect(tracker.verdict.repeated, `seed ${seed}`).toBe(numbers.length - new Set(numbers).size);
  }
});

test('gaps beyond a thousand are counted and not kept', () => {
  const tracker = new SequenceTracker();
  for (let n = 0; n < 4000; n += 2) tracker.add(n);
  expect(tracker.verdict.missing).toHaveLength(1000);
  expect(tracker.verdict.unlisted).toBe(999);
});

test('late arrivals that cut gaps in two do not make the list grow beyond a thousand', () => {
  const tracker = new SequenceTracker();
  tracker.add(0);
  tracker.add(1_000_000);
  for (let n = 2; n < 10_000; n += 2) tracker.add(n);
  expect(tracker.verdict.missing).toHaveLength(1000);
  expect(tracker.verdict.unlisted).toBeGreaterThan(0);
});
