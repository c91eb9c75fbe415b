/** The inputs of the goldens, as make-goldens.py makes them. */
export const SHAPE = [64, 80] as const;
const PIXELS = 64 * 80;

/** x -> (1664525 x + 1013904223) mod 2^32 (Numerical Recipes); the upper 16 bits of each state after the first step. */
export function lcg(seed: number, count: number): Uint16Array {
  const values = new Uint16Array(count);
  let state = seed >>> 0;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = state >>> 16;
  }
  return values;
}

export const goldenFrame = (seed: number, pixels = PIXELS): Uint16Array =>
  lcg(seed, pixels).map((raw) => (raw % 16 === 0 ? 0 : raw % 1000));
export const goldenMask = (seed: number): Uint8Array => Uint8Array.from(lcg(seed, PIXELS), (raw) => (raw % 11 === 0 ? 1 : 0));
export const goldenDark = (seed: number): Float32Array => Float32Array.from(lcg(seed, PIXELS), (raw) => (raw % 80) / 16);
export const goldenFlat = (seed: number): Float32Array =>
  Float32Array.from(lcg(seed, PIXELS), (raw) => (raw % 97 === 0 ? 0 : 0.75 + (raw % 129) / 256));
