import { MillraceError } from '../errors/errors.js';
import type { Geometry } from './geometry.js';

/** Radial units, by pyFAI's names. */
export const RADIAL_UNITS = ['q_A^-1', 'q_nm^-1', '2th_deg', '2th_rad', 'r_mm'] as const;
export type RadialUnit = (typeof RADIAL_UNITS)[number];

/**
 * A radial axis: `position` of a pixel from its distances from the beam and along the beam (both in metres), in nm^-1,
 * rad or m, and the `scale` that converts it to the unit.
 */
export interface RadialAxis {
  readonly scale: number;
  position(radius: number, along: number): number;
}

const twoTheta = (radius: number, along: number): number => Math.atan2(radius, along);

/** The axis of a unit. Throws ERR_CONFIG_INVALID when q needs an unknown wavelength. */
export function radialAxis(unit: RadialUnit, geometry: Geometry): RadialAxis {
  switch (unit) {
    case '2th_rad':
      return { scale: 1, position: twoTheta };
    case '2th_deg':
      return { scale: 180 / Math.PI, position: twoTheta };
    case 'r_mm':
      return { scale: 1000, position: (radius) => radius };
    default: {
      const { wavelength } = geometry;
      if (wavelength === undefined) throw new MillraceError('ERR_CONFIG_INVALID', `geometry: ${unit} needs the wavelength`);
      const factor = (4e-9 * Math.PI) / wavelength;
      return { scale: unit === 'q_A^-1' ? 0.1 : 1, position: (radius, along) => factor * Math.sin(twoTheta(radius, along) / 2) };
    }
  }
}
