import { MillraceError } from '../errors/errors.js';
import { knownDetector } from './detectors.js';
import type { Geometry } from './geometry.js';

/** What a geometry is made of before it is checked: the keys of a PONI file, or of an inline `geometry`. */
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

function invalid(message: string): MillraceError {
  return new MillraceError('ERR_CONFIG_INVALID', `geometry: ${message}`);
}

function finite(name: string, value: number | undefined, absent?: number): number {
  const number = value ?? absent;
  if (typeof number !== 'number' || !Number.isFinite(number)) throw invalid(`${name} is ${value === undefined ? 'missing' : `${value}`}`);
  return number;
}

function positive(name: string, value: number | undefined): number {
  const number = finite(name, value);
  if (number <= 0) throw invalid(`${name} is ${number}, which is not positive`);
  return number;
}

/** Checks the fields and completes them from the table of detectors. Throws ERR_CONFIG_INVALID. */
export function geometryOf(fields: GeometryFields): Geometry {
  const known = fields.detector === undefined ? undefined : knownDetector(fields.detector);
  const pixel1 = fields.pixel1 ?? known?.pixel;
  const pixel2 = fields.pixel2 ?? known?.pixel;
  if (pixel1 === undefined || pixel2 === undefined) {
    throw invalid(`the pixel size of detector ${fields.detector ?? '(none)'} is not known: give pixel1 and pixel2 in metres`);
  }
  const shape = fields.shape ?? known?.shape;
  if (shape !== undefined && !(shape.length === 2 && shape.every((side) => Number.isInteger(side) && side > 0 && side <= 1_000_000))) {
    throw invalid(`max_shape is ${shape.join('×')}, expected are two positive whole numbers`);
  }
  const orientation = fields.orientation || 3;
  if (orientation !== 1 && orientation !== 2 && orientation !== 3 && orientation !== 4)
    throw invalid(`orientation is ${orientation}, expected is 1 to 4`);
  return {
    distance: positive('distance', fields.distance),
    poni1: finite('poni1', fields.poni1),
    poni2: finite('poni2', fields.poni2),
    rot1: finite('rot1', fields.rot1, 0),
    rot2: finite('rot2', fields.rot2, 0),
    rot3: finite('rot3', fields.rot3, 0),
    wavelength: fields.wavelength === undefined ? undefined : positive('wavelength', fields.wavelength),
    pixel1: positive('pixel1', pixel1),
    pixel2: positive('pixel2', pixel2),
    shape: shape as [number, number] | undefined,
    orientation,
  };
}

function detectorConfig(text: string | undefined): Record<string, unknown> {
  if (text === undefined || text === '' || text === 'None') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new MillraceError('ERR_CONFIG_INVALID', `geometry: Detector_config is not JSON: ${text.slice(0, 80)}`, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('Detector_config is not a JSON object');
  return value as Record<string, unknown>;
}

/**
 * Reads a PONI file of version 1, 2, 2.1, or 3 without parallax: `Key: value` lines, `#` comments, keys in any case, a
 * later value replaces an earlier one (format: pyFAI, `io/ponifile.py`).
 * Throws ERR_CONFIG_INVALID for another version, a value that is no number, a missing one, or an unknown pixel size.
 */
export function parsePoni(text: string): Geometry {
  const values = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon < 0 || line.trimStart().startsWith('#')) continue;
    values.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  const number = (key: string): number | undefined => {
    const value = values.get(key);
    if (value === undefined || value === 'None') return undefined;
    if (value === '' || !Number.isFinite(Number(value))) throw invalid(`${key} is "${value.slice(0, 40)}", expected is a number`);
    return Number(value);
  };
  const version = number('poni_version') ?? 1;
  if (![1, 2, 2.1, 3].includes(version)) throw invalid(`poni_version ${version} is not known`);
  if (values.get('parallax')?.toLowerCase() === 'true') throw invalid('the parallax correction is not supported');
  const spline = values.get('splinefile');
  if (spline !== undefined && spline.toLowerCase() !== 'none') throw invalid('distortion by a spline file is not supported');
  const config = detectorConfig(values.get('detector_config'));
  const configured = (key: string): number | undefined => {
    const value = config[key];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'number') throw invalid(`${key} of Detector_config is ${JSON.stringify(value)}, expected is a number`);
    return value;
  };
  const maxShape = config.max_shape ?? undefined;
  if (maxShape !== undefined && !Array.isArray(maxShape)) throw invalid('max_shape of Detector_config is not a list');
  return geometryOf({
    detector: values.get('detector'),
    distance: number('distance') ?? number('dist'),
    poni1: number('poni1'),
    poni2: number('poni2'),
    rot1: number('rot1'),
    rot2: number('rot2'),
    rot3: number('rot3'),
    wavelength: number('wavelength'),
    pixel1: configured('pixel1') ?? number('pixelsize1'),
    pixel2: configured('pixel2') ?? number('pixelsize2'),
    shape: maxShape as number[] | undefined,
    orientation: configured('orientation'),
  });
}
