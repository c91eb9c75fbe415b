import type { SimGeometry, Simulation } from './options.js';

/** Spacing (angstrom) whose ring touches the nearest edge by default: the first ten lines of CeO2 are inside it. */
const EDGE_D_A = 1.0;
const PIXEL_M = 75e-6;
const WAVELENGTH_M = 0.4e-10;

/** The complete geometry: by default a centred beam, and a distance that puts ten rings of CeO2 on the detector. */
export function powderGeometry({ geometry, height, width }: Simulation): SimGeometry {
  const pixel = geometry.pixel ?? PIXEL_M;
  const wavelength = geometry.wavelength ?? WAVELENGTH_M;
  // A flat detector cannot reach beyond a quarter of the circle: long wavelengths get the widest sensible cone instead.
  const edgeTwoTheta = 2 * Math.asin(Math.min(Math.SQRT1_2 * 0.8, (wavelength * 1e10) / (2 * EDGE_D_A)));
  return {
    pixel,
    wavelength,
    distance: geometry.distance ?? (Math.min(height, width) * pixel) / 2 / Math.tan(edgeTwoTheta),
    poni1: geometry.poni1 ?? (height * pixel) / 2,
    poni2: geometry.poni2 ?? (width * pixel) / 2,
  };
}

/** The geometry as a PONI file, version 2.1, for pyFAI and `integrate-azimuthal`. */
export function poniText(simulation: Simulation): string {
  const { distance, pixel, wavelength, poni1, poni2 } = powderGeometry(simulation);
  const config = JSON.stringify({ pixel1: pixel, pixel2: pixel, max_shape: [simulation.height, simulation.width], orientation: 3 });
  return [
    '# Geometry of the simulated detector',
    'poni_version: 2.1',
    'Detector: Detector',
    `Detector_config: ${config}`,
    `Distance: ${distance}`,
    `Poni1: ${poni1}`,
    `Poni2: ${poni2}`,
    'Rot1: 0.0',
    'Rot2: 0.0',
    'Rot3: 0.0',
    `Wavelength: ${wavelength}`,
    '',
  ].join('\n');
}
