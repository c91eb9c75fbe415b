import type { Geometry } from './geometry.js';
import type { RadialAxis } from './units.js';

export interface PixelMapOptions {
  readonly axis: RadialAxis;
  /** Divide by the solid angle relative to a pixel at normal incidence. */
  readonly solidAngle: boolean;
  /** Polarisation factor from -1 to 1, or undefined for no correction. */
  readonly polarization: number | undefined;
  /** Compute the map of azimuths too. */
  readonly azimuth?: boolean;
}

export interface PixelMaps {
  /** Radial position of each pixel centre, in the unit of the axis before scaling. */
  readonly position: Float64Array;
  /** Solid angle × polarisation: the fraction of the signal that a pixel receives. */
  readonly norm: Float64Array;
  /** χ of each pixel centre in radians, -π to π: 0 along axis 2 and π/2 along axis 1. */
  readonly azimuth: Float64Array | undefined;
}

/**
 * Radial position and normalisation of every pixel of a flat detector of `height` × `width`, in float64. Definitions:
 * pyFAI, `ext/_geometry.pyx` and `geometry/core.py`; solid angle = cos³(incidence), polarisation = (1 + cos²2θ - f cos
 * 2χ (1 - cos²2θ)) / 2. With orientations other than 3, rows or columns count from the far edge.
 */
export function pixelMaps(geometry: Geometry, height: number, width: number, options: PixelMapOptions): PixelMaps {
  const { distance, poni1, poni2, rot1, rot2, rot3, pixel1, pixel2, orientation } = geometry;
  const { axis, solidAngle, polarization } = options;
  const [s1, c1, s2, c2, s3, c3] = [Math.sin(rot1), Math.cos(rot1), Math.sin(rot2), Math.cos(rot2), Math.sin(rot3), Math.cos(rot3)];
  const flipY = orientation === 1 || orientation === 2;
  const flipX = orientation === 1 || orientation === 4;
  const position = new Float64Array(height * width);
  const norm = new Float64Array(height * width);
  const azimuth = options.azimuth ? new Float64Array(height * width) : undefined;
  let pixel = 0;
  for (let y = 0; y < height; y++) {
    const p1 = ((flipY ? height - 1 - y : y) + 0.5) * pixel1 - poni1;
    for (let x = 0; x < width; x++, pixel++) {
      const p2 = ((flipX ? width - 1 - x : x) + 0.5) * pixel2 - poni2;
      const t1 = p1 * c2 * c3 + p2 * (c3 * s1 * s2 - c1 * s3) - distance * (c1 * c3 * s2 + s1 * s3);
      const t2 = p1 * c2 * s3 + p2 * (c1 * c3 + s1 * s2 * s3) - distance * (c1 * s2 * s3 - c3 * s1);
      const t3 = p1 * s2 - p2 * c2 * s1 + distance * c1 * c2;
      const radius = Math.sqrt(t1 * t1 + t2 * t2);
      position[pixel] = axis.position(radius, t3);
      if (azimuth) azimuth[pixel] = Math.atan2(t1, t2);
      let share = 1;
      if (solidAngle) {
        const cosine = distance / Math.sqrt(distance * distance + p1 * p1 + p2 * p2);
        share = cosine * cosine * cosine;
      }
      if (polarization !== undefined) {
        const cosine = t3 / Math.sqrt(radius * radius + t3 * t3);
        const square = cosine * cosine;
        share *= 0.5 * (1 + square - polarization * Math.cos(2 * Math.atan2(t1, t2)) * (1 - square));
      }
      norm[pixel] = share;
    }
  }
  return { position, norm, azimuth };
}
