import { MillraceError } from '../errors/errors.js';
import { knownDetector } from './detectors.js';
import { invalidGeometry } from './geometry-fields.js';

/** What `Detector_config` of a PONI file specifies for a flat detector. */
export interface DetectorConfig {
  readonly pixel1: number | undefined;
  readonly pixel2: number | undefined;
  readonly shape: readonly number[] | undefined;
  readonly orientation: number | undefined;
}

/** Keys that would move pixels, each with its meaning. Without a value they have no effect. */
const MOVES_PIXELS: Readonly<Record<string, string>> = {
  splinefile: 'distortion by a spline file is not supported',
  x_offset_file: 'offsets of pixels are not supported',
  y_offset_file: 'offsets of pixels are not supported',
  radius: 'a curved detector is not supported',
  filename: 'a detector described by a separate file is not supported',
};

/** Material and thickness change only the parallax correction, which has its own key and is refused there. */
const MOVES_NOTHING = ['sensor'];

/**
 * Reads the JSON of `Detector_config`. Throws ERR_CONFIG_INVALID for each key that is not understood or that describes
 * anything but a flat detector with pixels of one size.
 */
export function readDetectorConfig(text: string | undefined, detector: string | undefined): DetectorConfig {
  const config = entriesOf(text);
  const number = (key: string): number | undefined => {
    const value = config.get(key) ?? undefined;
    if (value !== undefined && typeof value !== 'number') throw refused(key, value, 'expected a number');
    return value;
  };
  const sides = (key: string): readonly number[] | undefined => {
    const value = config.get(key) ?? undefined;
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || value.length !== 2 || !value.every((side) => typeof side === 'number'))
      throw refused(key, value, 'expected two numbers');
    return value as number[];
  };
  const result = { pixel1: number('pixel1'), pixel2: number('pixel2'), shape: sides('max_shape'), orientation: number('orientation') };
  const binning = sides('binning');
  if (binning?.some((factor) => factor !== 1))
    throw refused('binning', binning, "give 'Detector: Detector' with the pixel1, pixel2 and max_shape of the binned frames");
  const module = sides('module_size');
  const gaps = detector === undefined ? undefined : knownDetector(detector)?.gaps;
  if (module && !(gaps?.kind === 'grid' && gaps.module.every((side, axis) => side === module[axis])))
    throw refused('module_size', module, `the modules of ${detector ?? 'this detector'} have another size`);

  const understood = ['pixel1', 'pixel2', 'max_shape', 'orientation', 'binning', 'module_size', ...MOVES_NOTHING];
  for (const [key, value] of config) {
    if (understood.includes(key)) continue;
    const why = Object.hasOwn(MOVES_PIXELS, key) ? MOVES_PIXELS[key] : undefined;
    if (why === undefined) throw refused(key, value, `this key is not known. Known keys: ${understood.join(', ')}`);
    if (value !== null && value !== '') throw refused(key, value, why);
  }
  return result;
}

const refused = (key: string, value: unknown, why: string): MillraceError =>
  invalidGeometry(`${key} of Detector_config is ${(JSON.stringify(value) ?? '').slice(0, 80)}: ${why}`);

/** The keys in lower case, as pyFAI treats them. */
function entriesOf(text: string | undefined): Map<string, unknown> {
  if (text === undefined || text === '' || text === 'None') return new Map();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new MillraceError('ERR_CONFIG_INVALID', `geometry: Detector_config is not JSON: ${text.slice(0, 80)}`, { cause: error });
  }
  if (value === null) return new Map();
  if (typeof value !== 'object' || Array.isArray(value)) throw invalidGeometry('Detector_config is not a JSON object');
  return new Map(Object.entries(value).map(([key, entry]) => [key.toLowerCase(), entry]));
}
