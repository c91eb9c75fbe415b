import type { Simulation } from './options.js';
import { PoissonPattern } from './poisson-pattern.js';

export const NOISE_MEAN = 10;

/** Poisson counts with the same mean in every pixel. */
export function noisePattern(simulation: Simulation): PoissonPattern {
  return new PoissonPattern(simulation, new Float32Array(simulation.height * simulation.width).fill(NOISE_MEAN), false);
}
