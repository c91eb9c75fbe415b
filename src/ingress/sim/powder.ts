import { ceriaLines } from './ceria.js';
import type { Simulation } from './options.js';
import { drawnMean } from './poisson.js';
import { PoissonPattern } from './poisson-pattern.js';
import { powderGeometry } from './powder-geometry.js';

/** Horizontal polarisation of a synchrotron beam, as pyFAI's factor. */
export const POLARIZATION = 0.99;
/** Expected counts on the strongest ring; an 8-bit counter must not overflow. */
const strongest = (dtype: string): number => (dtype === 'uint8' ? 120 : 600);
/** Width (sigma) of a ring in radius: a share of the half side, but at least this number of pixels. */
const WIDTH_SHARE = 0.003;
const MIN_WIDTH_PIXELS = 1.2;
const TABLE_PER_PIXEL = 8;

/**
 * Expected counts of a CeO2 powder pattern, float32 `[height, width]`: Gaussian rings over a smooth background, times the
 * solid angle of a pixel (cos^3 of incidence) and the polarisation factor, both as pyFAI defines them, so that a
 * correct integration divides them out again.
 */
export function powderExpectation(simulation: Simulation): Float32Array {
  const { height, width } = simulation;
  const { distance, pixel, poni1, poni2, wavelength } = powderGeometry(simulation);
  const corner = Math.hypot(Math.max(poni1, height * pixel - poni1), Math.max(poni2, width * pixel - poni2));
  const profile = radialProfile(simulation, corner);
  const scale = TABLE_PER_PIXEL / pixel;
  const image = new Float32Array(height * width);
  for (let y = 0, index = 0; y < height; y++) {
    const p1 = (y + 0.5) * pixel - poni1;
    for (let x = 0; x < width; x++, index++) {
      const p2 = (x + 0.5) * pixel - poni2;
      const square = p1 * p1 + p2 * p2;
      const cosine = distance / Math.sqrt(distance * distance + square);
      const sine2 = 1 - cosine * cosine;
      // cos(2 chi), with chi measured from the fast (horizontal) axis; undefined at the centre, where it has no effect.
      const cosine2Chi = square > 0 ? (p2 * p2 - p1 * p1) / square : 1;
      const polarization = 0.5 * (2 - sine2 - POLARIZATION * cosine2Chi * sine2);
      image[index] = drawnMean(interpolate(profile, Math.sqrt(square) * scale) * cosine ** 3 * polarization);
    }
  }
  return image;

  function radialProfile({ dtype }: Simulation, radiusM: number): Float64Array {
    const table = new Float64Array(Math.ceil((radiusM / pixel) * TABLE_PER_PIXEL) + 2);
    const sinLimit = Math.sin(Math.atan2(radiusM, distance) / 2);
    const lines = ceriaLines((wavelength * 1e10) / (2 * Math.max(sinLimit, 1e-6)) - 1e-9);
    const peak = strongest(dtype);
    const widthPixels = Math.max(MIN_WIDTH_PIXELS, (WIDTH_SHARE * Math.min(height, width)) / 2);
    for (let index = 0; index < table.length; index++) {
      const twoTheta = Math.atan2((index / TABLE_PER_PIXEL) * pixel, distance);
      const q = ((4 * Math.PI) / (wavelength * 1e10)) * Math.sin(twoTheta / 2);
      table[index] = peak * (0.02 + 0.12 * Math.exp(-q / 1.5));
    }
    for (const { d, intensity } of lines) {
      const radius = (distance * Math.tan(2 * Math.asin((wavelength * 1e10) / (2 * d)))) / pixel;
      const first = Math.max(0, Math.floor((radius - 6 * widthPixels) * TABLE_PER_PIXEL));
      const last = Math.min(table.length - 1, Math.ceil((radius + 6 * widthPixels) * TABLE_PER_PIXEL));
      for (let index = first; index <= last; index++)
        table[index]! += peak * intensity * Math.exp(-0.5 * ((index / TABLE_PER_PIXEL - radius) / widthPixels) ** 2);
    }
    return table;
  }
}

function interpolate(table: Float64Array, position: number): number {
  const index = Math.min(Math.floor(position), table.length - 2);
  const low = table[index]!;
  return low + (table[index + 1]! - low) * (position - index);
}

export const powderPattern = (simulation: Simulation): PoissonPattern =>
  new PoissonPattern(simulation, powderExpectation(simulation), true);
