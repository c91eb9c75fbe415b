/** Golden-ratio increment and mixer of SplitMix32 (a 32-bit form of Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
function splitMix(state: number): number {
  let z = state | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return z ^ (z >>> 15);
}

/**
 * xoshiro128** (Blackman and Vigna, Scrambled linear pseudorandom number generators, 2021), seeded from a seed and a
 * stream number, so that frame n of a simulation is the same whatever was drawn before it. Not for secrets.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;
  #spare = Number.NaN;

  constructor(seed: number, stream = 0) {
    let state = splitMix(seed) ^ splitMix(Math.imul(stream + 1, 0x9e3779b9));
    const next = () => {
      state = (state + 0x9e3779b9) | 0;
      return splitMix(state);
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next() | 1; // Never all zero.
  }

  /** 32 random bits, as a signed integer. */
  bits(): number {
    const product = Math.imul(this.#b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** Uniform in (0, 1): never 0, so that its logarithm is finite. */
  uniform(): number {
    return ((this.bits() >>> 0) + 0.5) / 4294967296;
  }

  /** Standard normal, by Box and Muller; every second call uses the second value of the pair. */
  normal(): number {
    const spare = this.#spare;
    if (!Number.isNaN(spare)) {
      this.#spare = Number.NaN;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }
}
