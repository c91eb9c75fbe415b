import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { asMillraceError, MillraceError } from '../errors/errors.js';
import { gapMask } from '../geometry/gaps.js';
import type { Geometry } from '../geometry/geometry.js';
import type { GeometryFields } from '../geometry/geometry-fields.js';
import { geometryOf } from '../geometry/geometry-fields.js';
import { parsePoni } from '../geometry/poni.js';
import type { RadialUnit } from '../geometry/units.js';
import { RADIAL_UNITS } from '../geometry/units.js';
import { loadIntegrateAzimuthal } from '../kernels/load-integrate-azimuthal.js';
import { WIDE } from '../kernels/memory-views.js';
import { BIN_SUMS_BYTES, createIntegrateAzimuthal } from '../kernels/scalar/integrate-azimuthal.js';
import { requireKnownNumeric, requireShape } from './frame-check.js';
import { createFrameItems } from './frame-items.js';
import { gatherFolded } from './integrate-azimuthal-folded.js';
import { integrationTables, MAX_BINS } from './integrate-azimuthal-tables.js';
import { NO_DATA_SCHEMA, type NoDataParams, noDataNotes } from './no-data-parameter.js';
import { defineOperator } from './operator.js';
import { plannedShape, SHAPE_SCHEMA } from './planned-shape.js';

export interface IntegrateAzimuthalParams extends NoDataParams {
  /** Path of a PONI file, or its values (metres, radians). */
  readonly geometry: string | GeometryFields;
  readonly bins?: number;
  readonly unit?: RadialUnit;
  /** Polarisation factor from -1 (vertical) to 1 (horizontal); no correction without it. */
  readonly polarization?: number;
  readonly solidAngle?: boolean;
  /** Ends of the radial range in `unit`; default: that of all pixels. */
  readonly range?: readonly [number, number];
  /** Intensity and sigma of a bin without pixels, default 0. `nan` means NaN, which JSON lacks. */
  readonly empty?: number | 'nan';
  readonly shape?: readonly number[];
  /** Mask the gaps between the modules of a detector that the geometry names. Default true. */
  readonly gaps?: boolean;
}

interface State {
  readonly shape: readonly number[];
  readonly below: number;
  readonly above: number;
  readonly noData: boolean;
}

async function readGeometry(geometry: string | GeometryFields, baseDir: string): Promise<Geometry> {
  if (typeof geometry !== 'string') return geometryOf(geometry);
  const path = resolve(baseDir, geometry);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw asMillraceError(error, 'ERR_CONFIG_FILE', `integrate-azimuthal: ${path}`);
  }
  return parsePoni(text);
}

/** The mask of the gaps of a detector that the geometry names; undefined for a detector without gaps. */
function gapsOf({ detector, gaps }: Geometry, height: number, width: number): Uint8Array | undefined {
  if (!gaps) return undefined;
  if (gaps.kind === 'unknown')
    throw new MillraceError(
      'ERR_CONFIG_INVALID',
      `integrate-azimuthal: the gaps of ${detector} are not known. Mask them with a file (operator mask), and set gaps: false`,
    );
  return gapMask(gaps, height, width);
}

function gapNotes({ detector }: Geometry, gaps: Uint8Array | undefined): string[] {
  const masked = gaps?.reduce((count, bit) => count + bit, 0) ?? 0;
  return masked > 0 ? [`gaps: ${masked} pixels in the gaps of ${detector} are masked (gaps: false includes them)`] : [];
}

/** Merges both masks into the second, which is modified. */
function union(mask: Uint8Array | undefined, gaps: Uint8Array | undefined): Uint8Array | undefined {
  if (!mask || !gaps) return mask ?? gaps;
  for (let pixel = 0; pixel < gaps.length; pixel++) gaps[pixel] = gaps[pixel]! | mask[pixel]!;
  return gaps;
}

const NUMBER = { type: 'number' } as const;
const metres = (description: string) => ({ ...NUMBER, unit: 'm', description });
const radians = (description: string) => ({ ...NUMBER, unit: 'rad', description });
const GEOMETRY_SCHEMA = {
  description: 'path of a PONI file, or the values of one',
  oneOf: [
    { type: 'string', minLength: 1 },
    {
      type: 'object',
      additionalProperties: false,
      required: ['distance', 'poni1', 'poni2'],
      properties: {
        detector: { type: 'string', description: 'name of a known detector, such as Eiger2_4M' },
        distance: metres('distance from the sample to the PONI, the point of normal incidence'),
        poni1: metres('position of the PONI on the slow axis'),
        poni2: metres('position of the PONI on the fast axis'),
        rot1: radians('first rotation'),
        rot2: radians('second rotation'),
        rot3: radians('third rotation'),
        wavelength: metres('wavelength of the beam'),
        pixel1: metres('size of a pixel on the slow axis'),
        pixel2: metres('size of a pixel on the fast axis'),
        shape: { ...SHAPE_SCHEMA, minItems: 2, maxItems: 2 },
        orientation: { type: 'integer', minimum: 1, maximum: 4, description: 'orientation of the detector, as pyFAI numbers it' },
      },
    },
  ],
} as const;

/**
 * Azimuthal integration without pixel splitting: float64 [3, bins], `columns` unit, intensity, sigma. Per bin S = Σ(raw
 * - dark), V = Σ max(raw, 1), N = Σ solid angle · polarisation · flat; intensity = S / N, sigma = √V / N (Poisson), as
 * pyFAI's `integrate1d_ng` with method ("no", "histogram"). mask, subtract-dark and correct-flat directly before it are
 * folded in. NaN, infinities, no data, and the gaps of a detector that the geometry names are excluded.
 * @throws ERR_CONFIG_FILE, ERR_CONFIG_INVALID (geometry, shape not known); ERR_OPERATOR_INPUT for a frame of another
 * shape
 */
export const integrateAzimuthal = defineOperator<IntegrateAzimuthalParams>({
  type: 'integrate-azimuthal',
  description:
    'Computes a powder profile, intensity and sigma against q, 2θ or r, from a PONI geometry, with solid angle and polarisation.',
  docs: {
    example: `version: 1
sources:
  detector:
    type: sim
    pattern: powder
    shape: [256, 256]
    frames: 4
    geometry: { distance: 0.1, pixel: 2e-4, wavelength: 2e-11, poni1: 0.0256, poni2: 0.0256 }
stages:
  reduce:
    from: detector
    operators:
      - type: integrate-azimuthal
        geometry: { distance: 0.1, pixel1: 2e-4, pixel2: 2e-4, wavelength: 2e-11, poni1: 0.0256, poni2: 0.0256 }
        bins: 200
sinks:
  profile: { type: file, from: reduce, path: profiles.csv }`,
    errors: {
      ERR_CONFIG_FILE: 'the PONI file or a table is missing or unreadable',
      ERR_CONFIG_INVALID: 'the geometry is incomplete or not supported, the shape is not known, or the range is empty',
      ERR_OPERATOR_INPUT: 'the frame has another shape',
    },
  },
  updates: true,
  passes: false,
  folds: ['mask', 'subtract-dark', 'correct-flat'],
  parameters: {
    type: 'object',
    additionalProperties: false,
    required: ['geometry'],
    properties: {
      geometry: GEOMETRY_SCHEMA,
      bins: { type: 'integer', minimum: 1, maximum: MAX_BINS, default: 1000, description: 'number of bins of the profile' },
      unit: {
        enum: [...RADIAL_UNITS],
        default: 'q_A^-1',
        description: 'unit of the radial axis: q in 1/Å or 1/nm, 2θ in degrees or radians, r in mm',
      },
      polarization: { type: 'number', minimum: -1, maximum: 1, description: 'polarisation factor; default: no correction' },
      solidAngle: { type: 'boolean', default: true, description: 'correct for the solid angle of each pixel' },
      range: {
        type: 'array',
        items: NUMBER,
        minItems: 2,
        maxItems: 2,
        description: 'both ends of the radial range, in `unit`; default: all pixels',
      },
      empty: { oneOf: [NUMBER, { const: 'nan' }], default: 0, description: 'value of a bin that has no pixels' },
      shape: { ...SHAPE_SCHEMA, minItems: 2, maxItems: 2 },
      gaps: {
        type: 'boolean',
        default: true,
        description: 'mask the gaps between the modules of a detector that the geometry names; false: use their pixels',
      },
      noData: NO_DATA_SCHEMA,
    },
  },
  async prepare(params, context) {
    const { bins = 1000, unit = 'q_A^-1', range } = params;
    requireKnownNumeric('integrate-azimuthal', context.dtype);
    if (range && !(range[0] < range[1])) {
      throw new MillraceError('ERR_CONFIG_INVALID', `integrate-azimuthal: range ${range[0]}..${range[1]} is empty`);
    }
    const geometry = await readGeometry(params.geometry, context.baseDir);
    const folded = await gatherFolded(context, params.noData ?? true);
    const shape = plannedShape(
      'integrate-azimuthal',
      [
        { from: 'the parameter shape', shape: params.shape },
        { from: 'the geometry', shape: geometry.shape },
        ...folded.claims,
        { from: 'the input', shape: context.shape },
      ],
      'give shape: [height, width], or max_shape or a known detector in the geometry',
    );
    if (shape.length !== 2)
      throw new MillraceError('ERR_CONFIG_INVALID', `integrate-azimuthal: frames of ${shape.join('×')} are not images`);
    const [height, width] = shape as [number, number];
    const gaps = params.gaps === false ? undefined : gapsOf(geometry, height, width);
    const tables = integrationTables(geometry, height, width, {
      bins,
      unit,
      solidAngle: params.solidAngle ?? true,
      polarization: params.polarization,
      range,
      mask: union(folded.mask, gaps),
      dark: folded.dark,
      flat: folded.flat,
    });
    const state: State = { shape, below: folded.below, above: folded.above, noData: folded.noData };
    return {
      constants: { ...tables, ...(folded.dark && { dark: folded.dark }) },
      scratchBytes: (bins + 1) * BIN_SUMS_BYTES,
      shape: [3, bins],
      dtype: 'float64',
      maxOutputBytes: bins * 24,
      state,
      notes: [...gapNotes(geometry, gaps), ...noDataNotes(context.dtype, folded)],
    };
  },
  create(params, context, prepared) {
    const { bins = 1000, unit = 'q_A^-1' } = params;
    const { shape, below, above, noData } = prepared.state as State;
    const itemsOf = createFrameItems('integrate-azimuthal', context.memory, noData);
    const kernel = loadIntegrateAzimuthal(context.memory);
    // The WebAssembly kernel can access only the shared memory.
    const kernelOfWide = createIntegrateAzimuthal(context.memory);
    const { binTable, norm, totals, centres, dark } = context.constants;
    const total = totals!.array as Float64Array;
    const axis = centres!.array as Float64Array;
    const darkAddress = dark?.address ?? 0;
    const sumsAddress = context.scratch.address;
    const sums = new Float64Array(context.memory.buffer, sumsAddress, bins * 4);
    const empty = params.empty === 'nan' ? Number.NaN : (params.empty ?? 0);
    const spec = { shape: [3, bins], dtype: 'float64', columns: [unit, 'intensity', 'sigma'] } as const;
    return {
      process(frame, out) {
        requireShape('integrate-azimuthal', frame, shape);
        const { dtype, address, pixels, lowest, highest } = itemsOf(frame);
        const from = Math.max(below, lowest);
        const to = Math.min(above, highest);
        const integrate = dtype === WIDE ? kernelOfWide : kernel;
        integrate(dtype, address, pixels, binTable!.address, bins, norm!.address, darkAddress, from, to, sumsAddress);
        const result = out.create(spec);
        const profile = result.data as Float64Array;
        profile.set(axis);
        for (let bin = 0; bin < bins; bin++) {
          const filled = total[bin * 2 + 1]! - sums[bin * 4 + 3]! > 0;
          const weight = total[bin * 2]! - sums[bin * 4 + 2]!;
          profile[bins + bin] = filled ? sums[bin * 4]! / weight : empty;
          profile[bins * 2 + bin] = filled ? Math.sqrt(sums[bin * 4 + 1]!) / weight : empty;
        }
        out.emit(result);
      },
    };
  },
});
