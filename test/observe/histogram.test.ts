import { describe, expect, it } from 'vitest';
import { HISTOGRAM_BYTES, Histogram, summarize } from '../../src/observe/histogram.js';

/** MINSTD of Park and Miller, apart from anything of the project. */
function uniforms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

function exact(sorted: readonly number[], share: number): number {
  return sorted[Math.ceil(share * sorted.length) - 1]!;
}

const distributions: Record<string, (u: () => number) => number> = {
  'uniform over a second': (u) => u() * 1e6,
  'log-uniform from 1 us to 1000 s': (u) => 10 ** (u() * 9),
  'exponential with a mean of 300 us': (u) => -300 * Math.log(u()),
  'two narrow humps': (u) => (u() < 0.8 ? 1000 + 10 * u() : 50_000 + 100 * u()),
};

describe('histogram', () => {
  for (const [name, draw] of Object.entries(distributions)) {
    it(`gives percentiles within 2 % of the exact ones: ${name}`, () => {
      const u = uniforms(20240117);
      const buffer = new SharedArrayBuffer(HISTOGRAM_BYTES + 128);
      const histogram = new Histogram(buffer, 64);
      const samples = Array.from({ length: 20_000 }, () => Math.max(1, Math.floor(draw(u))));
      for (const us of samples) histogram.record(us);
      const sorted = samples.sort((a, b) => a - b);
      const { p50, p90, p99, max, count } = histogram.summary();
      for (const [got, share] of [
        [p50, 0.5],
        [p90, 0.9],
        [p99, 0.99],
      ] as const) {
        const want = exact(sorted, share);
        expect(Math.abs(got - want) / want, `p${share * 100}: ${got} for ${want}`).toBeLessThanOrEqual(0.02);
      }
      expect(max).toBe(sorted.at(-1));
      expect(count).toBe(20_000);
    });
  }

  it('keeps every single value within 2 %, at each power of two and its neighbours', () => {
    for (let power = 0; power <= 29; power++) {
      for (const us of [2 ** power - 1, 2 ** power, 2 ** power + 1].filter((value) => value > 0)) {
        const histogram = new Histogram(new ArrayBuffer(HISTOGRAM_BYTES), 0);
        histogram.record(us);
        histogram.record(2 ** 31); // so that the maximum does not cap the middle of the bucket
        expect(Math.abs(histogram.summary().p50 - us) / us, `${us} us`).toBeLessThanOrEqual(0.02);
      }
    }
  });

  it('takes nonsense and eternity without leaving its memory', () => {
    const buffer = new ArrayBuffer(HISTOGRAM_BYTES + 128);
    const histogram = new Histogram(buffer, 64);
    for (const us of [Number.NaN, -5, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 2 ** 31, 1e300]) histogram.record(us);
    expect(histogram.summary()).toEqual({ p50: 0, p90: 2 ** 31 - 1, p99: 2 ** 31 - 1, max: 2 ** 31 - 1, count: 6 });
    expect(new Uint8Array(buffer, 0, 64).some((byte) => byte !== 0)).toBe(false);
    expect(new Uint8Array(buffer, 64 + HISTOGRAM_BYTES).some((byte) => byte !== 0)).toBe(false);
  });

  it('is all zero when nothing was recorded', () => {
    expect(new Histogram(new ArrayBuffer(HISTOGRAM_BYTES), 0).summary()).toEqual({ p50: 0, p90: 0, p99: 0, max: 0, count: 0 });
  });

  it('sums up several histograms of one buffer as if they were one', () => {
    const buffer = new ArrayBuffer(2 * HISTOGRAM_BYTES);
    const one = new Histogram(buffer, 0);
    const two = new Histogram(buffer, HISTOGRAM_BYTES);
    for (let us = 1; us <= 30; us++) one.record(us);
    for (let us = 31; us <= 60; us++) two.record(us);
    expect(summarize(buffer, [0, HISTOGRAM_BYTES])).toEqual({ p50: 30, p90: 54, p99: 60, max: 60, count: 60 });
  });
});
