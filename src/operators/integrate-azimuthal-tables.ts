import { MillraceError } from '../errors/errors.js';
import type { Geometry } from '../geometry/geometry.js';
import { pixelMaps } from '../geometry/pixel-maps.js';
import type { RadialUnit } from '../geometry/units.js';
import { radialAxis } from '../geometry/units.js';

/** Bin numbers must fit the uint16 of the bin table; the number of bins itself marks pixels outside. */
export const MAX_BINS = 65534;

/** pyFAI's upper end of a range, which puts the largest position into the last bin. */
const UPPER_BOUND_FACTOR = 1 + 2 ** -23;

export interface TableOptions {
  readonly bins: number;
  readonly unit: RadialUnit;
  readonly solidAngle: boolean;
  readonly polarization: number | undefined;
  /** In the unit of the axis, both ends included. */
  readonly range: readonly [number, number] | undefined;
  /** Nonzero = excluded. */
  readonly mask: Uint8Array | undefined;
  readonly dark: Float32Array | undefined;
  readonly flat: Float32Array | undefined;
}

export interface IntegrationTables {
  /** Bin of each pixel, or `bins` for a pixel outside all bins. */
  readonly binTable: Uint16Array;
  /** Normalisation of each pixel. */
  readonly norm: Float32Array;
  /** Per bin: sum of `norm`, number of pixels. */
  readonly totals: Float64Array;
  /** Centre of each bin, in the unit. */
  readonly centres: Float64Array;
}

/**
 * Assigns every pixel to its bin, as pyFAI's histogram without pixel splitting does: bins of equal width over [min,
 * max·(1 + 2⁻²³)], where min and max are those of all pixels, masked or not, unless `range` gives them. A pixel with a
 * normalisation of 0, or with a dark or flat value that is not finite, belongs to no bin.
 */
export function integrationTables(geometry: Geometry, height: number, width: number, options: TableOptions): IntegrationTables {
  const { bins, unit, mask, dark, flat, range } = options;
  const axis = radialAxis(unit, geometry);
  const maps = pixelMaps(geometry, height, width, { axis, solidAngle: options.solidAngle, polarization: options.polarization });
  const { position } = maps;
  let low = Infinity;
  let high = -Infinity;
  if (range) {
    low = range[0] / axis.scale;
    high = range[1] / axis.scale;
  } else {
    for (const value of position) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  const upper = high > 0 ? high * UPPER_BOUND_FACTOR : high / UPPER_BOUND_FACTOR;
  const delta = (upper - low) / bins;
  if (!(delta > 0)) throw new MillraceError('ERR_CONFIG_INVALID', `integrate-azimuthal: the range from ${low} to ${high} contains no bins`);

  const binTable = new Uint16Array(position.length).fill(bins);
  const norm = new Float32Array(position.length);
  const totals = new Float64Array(bins * 2);
  for (let pixel = 0; pixel < position.length; pixel++) {
    const value = position[pixel]!;
    norm[pixel] = flat ? maps.norm[pixel]! * flat[pixel]! : maps.norm[pixel]!;
    const share = norm[pixel]!;
    if (value < low || value > high || mask?.[pixel] || share === 0 || !Number.isFinite(share)) continue;
    if (dark && !Number.isFinite(dark[pixel]!)) continue;
    const bin = Math.trunc((value - low) / delta);
    if (bin >= bins) continue;
    binTable[pixel] = bin;
    totals[bin * 2] = totals[bin * 2]! + share;
    totals[bin * 2 + 1] = totals[bin * 2 + 1]! + 1;
  }
  const centres = new Float64Array(bins);
  for (let bin = 0; bin < bins; bin++) centres[bin] = (low + (bin + 0.5) * delta) * axis.scale;
  return { binTable, norm, totals, centres };
}
