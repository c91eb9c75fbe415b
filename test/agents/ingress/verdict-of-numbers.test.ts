import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SequenceTracker } from '../../../src/agents/ingress/sequence-tracker.js';
import { type Numbering, verdictOfNumbers, verdictOfSeriesNumbers } from '../../../src/agents/ingress/verdict-of-numbers.js';
import type { Verdict } from '../../../src/observe/report.js';

const SEED = Number(process.env.MILLRACE_TEST_SEED ?? 20261130);

const track = (numbers: readonly number[]): SequenceTracker => {
  const tracker = new SequenceTracker();
  for (const number of numbers) tracker.add(number);
  return tracker;
};

interface Announced {
  readonly expected?: number | undefined;
  readonly first?: number | undefined;
  readonly numbering?: Numbering;
}

const ofSeries = (numbers: readonly number[], { expected, first, numbering = 'told-or-from-zero' }: Announced): Verdict =>
  verdictOfSeriesNumbers({ tracker: track(numbers), expected, first, numbering }, numbers.length);
const unnumbered = (received: number, expected?: number): Verdict =>
  verdictOfSeriesNumbers({ tracker: track([]), expected, first: undefined, numbering: 'told-or-from-zero' }, received);

describe('the verdict of a source', () => {
  it('is never complete with a number missing', () => {
    expect(verdictOfNumbers(track([3, 0, 4]).verdict)).toEqual({ state: 'incomplete', missing: [[1, 2]] });
    expect(verdictOfNumbers(track([4, 3, 5]).verdict)).toEqual({ state: 'complete' });
  });

  it('counts numbers that came again', () => {
    expect(verdictOfNumbers(track([1, 2, 2, 3, 1]).verdict)).toEqual({ state: 'complete', repeated: 2 });
  });

  it('is unverifiable where there were too many gaps to follow, and incomplete where some of them must be open', () => {
    const numbers = Array.from({ length: 4000 }, (_, i) => i);
    const even = numbers.filter((n) => n % 2 === 0);
    const odd = numbers.filter((n) => n % 2 === 1);
    expect(verdictOfNumbers(track([...even, ...odd]).verdict)).toEqual({
      state: 'unverifiable',
      reason: expect.stringMatching(/^there were too many separate gaps between 0 and \d+ .*: it is not known whether all/),
    });
    const lost = verdictOfNumbers(track([...even, ...odd.slice(1)]).verdict);
    expect(lost).toEqual({ state: 'incomplete', reason: expect.stringContaining('at least 1 of these numbers are missing') });
  });

  it('is unverifiable where a number is not whole', () => {
    expect(verdictOfNumbers(track([1, 1.5, 2]).verdict)).toMatchObject({
      state: 'unverifiable',
      reason: expect.stringContaining('1 frames'),
    });
  });
});

describe('the verdict of a series', () => {
  it('is incomplete where 3 of 5 came, in whatever order', () => {
    expect(ofSeries([3, 0, 4], { expected: 5 })).toEqual({ state: 'incomplete', missing: [[1, 2]] });
    expect(ofSeries([1, 2, 4], { expected: 5 }).missing).toEqual([
      [0, 0],
      [3, 3],
    ]);
    expect(unnumbered(3, 5)).toEqual({ state: 'incomplete', reason: '3 of 5 frames came, without numbers' });
  });

  it('is not complete where more came than announced', () => {
    expect(ofSeries([0, 1, 2, 3], { expected: 3 })).toEqual({
      state: 'unverifiable',
      reason: '1 frames have other numbers than announced (the announced numbers are 0 to 2)',
    });
    expect(ofSeries([0, 2, 3], { expected: 3 })).toMatchObject({ state: 'incomplete', missing: [[1, 1]] });
    expect(unnumbered(4, 3)).toEqual({
      state: 'unverifiable',
      reason: '4 frames came without numbers, and 3 were announced: some came twice, or the count is wrong',
    });
    expect(ofSeries([0], { expected: 0 })).toMatchObject({ state: 'unverifiable', reason: expect.stringContaining('none was announced') });
  });

  it('is complete where every number came, some of them twice', () => {
    expect(ofSeries([0, 1, 1, 2], { expected: 3 })).toEqual({ state: 'complete', repeated: 1 });
  });

  it('says of a series without frames that none came', () => {
    expect(unnumbered(0)).toEqual({ state: 'unverifiable', reason: 'no frames came, and no count was announced' });
    expect(unnumbered(0, 4)).toEqual({ state: 'incomplete', reason: 'none of 4 frames came' });
    expect(unnumbered(0, 0)).toEqual({ state: 'complete' });
    expect(ofSeries([], { expected: 4, first: 10 })).toEqual({ state: 'incomplete', missing: [[10, 13]], reason: 'none of 4 frames came' });
  });

  it(`is complete only where each number that should come came, and none else (seed ${SEED})`, () => {
    const counts = { complete: 0, incomplete: 0, unverifiable: 0 };
    const some = fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 16 });
    const all = fc.nat({ max: 8 }).chain((n) =>
      fc.shuffledSubarray(
        Array.from({ length: n + 1 }, (_, i) => i),
        { minLength: n },
      ),
    );
    const maybe = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(one, { nil: undefined });
    const announced = fc.record({
      expected: maybe(fc.nat({ max: 10 })),
      first: maybe(fc.nat({ max: 6 })),
      numbering: fc.constantFrom<Numbering>('told-or-from-zero', 'from-the-first-that-came'),
    });
    const property = fc.property(
      fc.oneof(
        some,
        all.filter(({ length }) => length > 0),
      ),
      announced,
      (numbers, told) => {
        const { expected, first, numbering } = told;
        const least = Math.min(...numbers);
        const greatest = Math.max(...numbers);
        const zero = numbering === 'told-or-from-zero' && expected !== undefined && greatest < expected;
        const from = first ?? (zero ? 0 : least);
        const should = new Set<number>();
        for (let n = from; n <= (expected === undefined ? greatest : from + expected - 1); n++) should.add(n);
        const missing = [...should].filter((n) => !numbers.includes(n));
        const others = numbers.filter((n) => !should.has(n));
        const verdict = ofSeries(numbers, told);
        counts[verdict.state]++;
        expect(verdict.state).toBe(missing.length > 0 ? 'incomplete' : others.length > 0 ? 'unverifiable' : 'complete');
        const said = (verdict.missing ?? []).flatMap(([a, b]) => Array.from({ length: b - a + 1 }, (_, i) => a + i));
        expect(said).toEqual(missing);
        expect(verdict.repeated ?? 0).toBe(numbers.length - new Set(numbers).size);
      },
    );
    fc.assert(property, { seed: SEED, numRuns: 3000 });
    expect(Math.min(...Object.values(counts))).toBeGreaterThan(50);
  });
});
