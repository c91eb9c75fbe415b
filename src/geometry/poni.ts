import { MillraceError } from '../errors/errors.js';
import { readDetectorConfig } from './detector-config.js';
import type { Geometry } from './geometry.js';
import { geometryOf, invalidGeometry } from './geometry-fields.js';

/** The keys of a PONI file, in lower case. */
const KEYS = [
  'poni_version',
  'detector',
  'detector_config',
  'distance',
  'dist',
  'poni1',
  'poni2',
  'rot1',
  'rot2',
  'rot3',
  'wavelength',
  'parallax',
  'pixelsize1',
  'pixelsize2',
  'splinefile',
];
const VERSIONS = [1, 2, 2.1, 3];
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** `Key: value` lines by key in lower case; a later value replaces an earlier one. */
function valuesOf(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const [index, line] of text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const colon = trimmed.indexOf(':');
    if (colon < 0) throw invalidGeometry(`line ${index + 1} of the PONI file is not 'Key: value': ${trimmed.slice(0, 60)}`);
    const key = trimmed.slice(0, colon).trim().toLowerCase();
    if (!KEYS.includes(key))
      throw invalidGeometry(
        `line ${index + 1} of the PONI file has the key '${key.slice(0, 60)}', which is not known. Known keys: ${KEYS.join(', ')}`,
      );
    values.set(key, trimmed.slice(colon + 1).trim());
  }
  return values;
}

/**
 * Reads a PONI file of version 1, 2, 2.1, or 3 without parallax: `Key: value` lines, `#` comments, keys in any case, a
 * later value replaces an earlier one (format: pyFAI, `io/ponifile.py`). Throws ERR_CONFIG_INVALID for another version,
 * a missing or invalid key or value, and a detector that is not flat with pixels of one size.
 */
export function parsePoni(text: string): Geometry {
  const values = valuesOf(text);
  const number = (key: string): number | undefined => {
    const value = values.get(key);
    if (value === undefined || value === 'None') return undefined;
    if (!NUMBER.test(value) || !Number.isFinite(Number(value)))
      throw invalidGeometry(`${key} is "${value.slice(0, 40)}", expected a number`);
    return Number(value);
  };
  const version = number('poni_version') ?? 1;
  if (!VERSIONS.includes(version)) throw invalidGeometry(`poni_version ${version} is not known. Known versions: ${VERSIONS.join(', ')}`);
  const parallax = values.get('parallax')?.toLowerCase() ?? 'false';
  if (parallax === 'true') throw invalidGeometry('the parallax correction is not supported');
  if (!['false', 'none', ''].includes(parallax)) throw invalidGeometry(`parallax is "${parallax.slice(0, 40)}", expected True or False`);
  const spline = values.get('splinefile') ?? '';
  if (spline !== '' && spline.toLowerCase() !== 'none') throw invalidGeometry('distortion by a spline file is not supported');
  const detector = values.get('detector');
  const config = readDetectorConfig(values.get('detector_config'), detector);
  return geometryOf({
    detector,
    distance: same('distance', number('distance'), 'dist', number('dist')),
    poni1: number('poni1'),
    poni2: number('poni2'),
    rot1: number('rot1'),
    rot2: number('rot2'),
    rot3: number('rot3'),
    wavelength: number('wavelength'),
    pixel1: same('pixel1 of Detector_config', config.pixel1, 'pixelsize1', number('pixelsize1')),
    pixel2: same('pixel2 of Detector_config', config.pixel2, 'pixelsize2', number('pixelsize2')),
    shape: config.shape,
    orientation: config.orientation,
  });
}

/** The value that two keys give; refused when they differ. */
function same(name: string, value: number | undefined, otherName: string, other: number | undefined): number | undefined {
  if (value !== undefined && other !== undefined && value !== other)
    throw new MillraceError('ERR_CONFIG_INVALID', `geometry: ${name} is ${value}, but ${otherName} is ${other}`);
  return value ?? other;
}
