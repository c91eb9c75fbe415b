import type { Gaps } from './gaps.js';

/**
 * The position of a flat detector: the six parameters of a PONI file (metres and radians), the pixels, the wavelength.
 * Axis 1 is the slow one (y), axis 2 the fast one (x), axis 3 along the beam.
 */
export interface Geometry {
  /** Distance from the sample to the point of normal incidence, in metres. */
  readonly distance: number;
  /** Point of normal incidence from the corner of the first pixel, in metres along axes 1 and 2. */
  readonly poni1: number;
  readonly poni2: number;
  /** Rotations about axes 1, 2, 3 in radians, applied in this order. */
  readonly rot1: number;
  readonly rot2: number;
  readonly rot3: number;
  /** In metres; needed only for q. */
  readonly wavelength: number | undefined;
  /** Pixel sizes along axes 1 and 2 in metres. */
  readonly pixel1: number;
  readonly pixel2: number;
  /** [height, width] of the detector, if known. */
  readonly shape: readonly [number, number] | undefined;
  /**
   * Corner of the image with the first pixel, as seen from the sample: 1 top right, 2 top left, 3 bottom left (the
   * default), 4 bottom right.
   */
  readonly orientation: 1 | 2 | 3 | 4;
  /** Name of the detector, if the table has it. */
  readonly detector?: string;
  /** The areas of that detector without pixels. */
  readonly gaps?: Gaps;
}
