import { MillraceError } from '../errors/errors.js';
import { isGenericDetector, knownDetector, refusalOfDetector } from './detectors.js';
import type { Geometry } from './geometry.js';

/** The unchecked fields of a geometry: the keys of a PONI file, or of an inline `geometry`. */
export interface GeometryFields {
  readonly detector?: string | undefined;
  readonly distance?: number | undefined;
  readonly poni1?: number | undefined;
  readonly poni2?: number | undefined;
  readonly rot1?: number | undefined;
  readonly rot2?: number | undefined;
  readonly rot3?: number | undefined;
  readonly wavelength?: number | undefined;
  readonly pixel1?: number | undefined;
  readonly pixel2?: number | undefined;
  readonly shape?: readonly number[] | undefined;
  readonly orientation?: number | undefined;
}

/** The error for an invalid geometry. */
export function invalidGeometry(message: string): MillraceError {
  return new MillraceError('ERR_CONFIG_INVALID', `geometry: ${message}`);
}

function finite(name: string, value: number | undefined, absent?: number): number {
  const number = value ?? absent;
  if (typeof number !== 'number' || !Number.isFinite(number))
    throw invalidGeometry(`${name} is ${value === undefined ? 'missing' : `${value}`}`);
  return number;
}

function positive(name: string, value: number | undefined, missing?: string): number {
  if (value === undefined && missing !== undefined) throw invalidGeometry(missing);
  const number = finite(name, value);
  if (number <= 0) throw invalidGeometry(`${name} is ${number}, but must be positive`);
  return number;
}

/** Pixel sizes that differ by less than this fraction are equal. */
const SAME_PIXEL = 1e-3;

const sameSize = (a: number, b: number): boolean => Math.abs(a - b) <= SAME_PIXEL * Math.abs(b);

/** Checks the fields and completes them from the table of detectors. Throws ERR_CONFIG_INVALID. */
export function geometryOf(fields: GeometryFields): Geometry {
  const name = fields.detector;
  const known = name === undefined ? undefined : knownDetector(name);
  if (name !== undefined && !known && !isGenericDetector(name)) throw invalidGeometry(refusalOfDetector(name));
  const pixel1 = positive('pixel1', fields.pixel1 ?? known?.pixel[0], 'the pixel size is not known: give pixel1 and pixel2 in metres');
  const pixel2 = positive('pixel2', fields.pixel2 ?? known?.pixel[1], 'the pixel size is not known: give pixel1 and pixel2 in metres');
  const isTables = known !== undefined && sameSize(pixel1, known.pixel[0]) && sameSize(pixel2, known.pixel[1]);
  if (known?.gaps && known.gaps.kind !== 'circle' && !isTables)
    throw invalidGeometry(
      `the pixels of ${name} are ${known.pixel.join(' × ')} m, not ${pixel1} × ${pixel2} m. For binned frames give 'Detector: Detector' with pixel1, pixel2 and max_shape, and mask the gaps with a file`,
    );
  // A camera of one piece may be read out in blocks of pixels: the frames then have another shape.
  const shape = fields.shape ?? (isTables ? known.shape : undefined);
  if (shape !== undefined && !(shape.length === 2 && shape.every((side) => Number.isInteger(side) && side > 0 && side <= 1_000_000))) {
    throw invalidGeometry(`max_shape is ${shape.join('×')}, expected two positive integers`);
  }
  // 0 is pyFAI's "not specified", which it treats as 3.
  const orientation = fields.orientation || 3;
  if (orientation !== 1 && orientation !== 2 && orientation !== 3 && orientation !== 4)
    throw invalidGeometry(`orientation is ${orientation}, expected 1 to 4`);
  return {
    distance: positive('distance', fields.distance),
    poni1: finite('poni1', fields.poni1),
    poni2: finite('poni2', fields.poni2),
    rot1: finite('rot1', fields.rot1, 0),
    rot2: finite('rot2', fields.rot2, 0),
    rot3: finite('rot3', fields.rot3, 0),
    wavelength: fields.wavelength === undefined ? undefined : positive('wavelength', fields.wavelength),
    pixel1,
    pixel2,
    shape: shape as [number, number] | undefined,
    orientation,
    ...(known && name !== undefined && { detector: name }),
    ...(known?.gaps && { gaps: known.gaps }),
  };
}
