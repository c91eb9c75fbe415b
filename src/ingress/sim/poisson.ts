import type { Random } from './random.js';

/** Above this mean the normal approximation is used: its skewness, 1/sqrt(mean), is then below 0.15. */
export const NORMAL_ABOVE = 50;
/** Means below `NORMAL_ABOVE` are rounded to multiples of 1/STEPS, so that few tables serve all pixels. */
export const STEPS = 16;
/** Outcomes 0 .. 127: the tail beyond, at mean 50, has a probability below 1e-18. */
const OUTCOMES = 128;
const COLUMN_MASK = OUTCOMES - 1;

/** The mean that is used in place of `mean`. */
export const drawnMean = (mean: number): number => (mean < NORMAL_ABOVE ? Math.round(mean * STEPS) / STEPS : mean);

/**
 * Poisson variates from alias tables (Walker 1977, in Vose's form of 1991): one random word and one comparison per draw
 * for any mean. The low 7 bits of the word choose the column, and its upper 25 are compared with the threshold of the
 * column.
 */
export class Poisson {
  readonly #thresholds = new Float32Array((NORMAL_ABOVE * STEPS + 1) * OUTCOMES);
  readonly #aliases = new Uint8Array((NORMAL_ABOVE * STEPS + 1) * OUTCOMES);
  readonly #built = new Uint8Array(NORMAL_ABOVE * STEPS + 1);

  draw(mean: number, random: Random): number {
    if (mean >= NORMAL_ABOVE) return Math.max(0, Math.round(mean + Math.sqrt(mean) * random.normal()));
    const level = Math.round(mean * STEPS);
    if (level <= 0) return 0;
    if (this.#built[level] === 0) this.#build(level);
    const bits = random.bits();
    const index = level * OUTCOMES + (bits & COLUMN_MASK);
    return (bits >>> 7) * 2 ** -25 < this.#thresholds[index]! ? bits & COLUMN_MASK : this.#aliases[index]!;
  }

  #build(level: number): void {
    const mean = level / STEPS;
    const scaled = new Float64Array(OUTCOMES);
    let sum = 0;
    for (let k = 0, logFactorial = 0; k < OUTCOMES; k++) {
      if (k > 1) logFactorial += Math.log(k);
      scaled[k] = Math.exp(k * Math.log(mean) - mean - logFactorial);
      sum += scaled[k]!;
    }
    const small: number[] = [];
    const large: number[] = [];
    for (let k = 0; k < OUTCOMES; k++) {
      scaled[k]! *= OUTCOMES / sum;
      (scaled[k]! < 1 ? small : large).push(k);
    }
    const base = level * OUTCOMES;
    while (small.length > 0 && large.length > 0) {
      const poor = small.pop()!;
      const rich = large.pop()!;
      this.#thresholds[base + poor] = scaled[poor]!;
      this.#aliases[base + poor] = rich;
      scaled[rich]! -= 1 - scaled[poor]!;
      (scaled[rich]! < 1 ? small : large).push(rich);
    }
    for (const rest of [...small, ...large]) this.#thresholds[base + rest] = 1;
    this.#built[level] = 1;
  }
}
