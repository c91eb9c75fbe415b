import { MillraceError } from '../../errors/errors.js';
import { byteLength, type DType } from '../../frame/dtype.js';

export type SimDType = 'uint8' | 'uint16' | 'uint32' | 'int32' | 'float32';
export type SimPattern = 'powder' | 'spots' | 'noise' | 'counter';

/**
 * A flat detector perpendicular to the beam: all in metres, poni1 along the slow axis, poni2 along the fast one
 * (pyFAI's terms).
 */
export interface SimGeometry {
  readonly distance: number;
  readonly pixel: number;
  readonly wavelength: number;
  readonly poni1: number;
  readonly poni2: number;
}

export interface SimOptions {
  readonly pattern?: SimPattern;
  readonly shape?: readonly [number, number];
  readonly dtype?: SimDType;
  /** Frames per second; if absent, as fast as the pipeline takes them. */
  readonly rate?: number;
  /** Ends after this number of frames; endless if absent. */
  readonly frames?: number;
  readonly seed?: number;
  /** Number of different frames that are drawn and then repeated in turn; 0 draws each frame anew. */
  readonly pool?: number;
  readonly geometry?: Partial<SimGeometry>;
  /** Frames per series; numbers start at 0 in each. Absent: one endless series. */
  readonly series?: number;
}

/** Options with their defaults filled in. */
export interface Simulation {
  readonly pattern: SimPattern;
  readonly height: number;
  readonly width: number;
  readonly dtype: SimDType & DType;
  readonly rate: number | undefined;
  readonly frames: number;
  readonly seed: number;
  readonly pool: number;
  readonly frameBytes: number;
  readonly geometry: Partial<SimGeometry>;
  readonly series: number | undefined;
}

const MAX_POOL_BYTES = 2 ** 31;
export const MIN_COUNTER_BYTES = 16;

const metres = (description: string, positive = true) => ({
  type: 'number',
  ...(positive ? { exclusiveMinimum: 0 } : {}),
  unit: 'm',
  description,
});

export const SIM_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    pattern: {
      enum: ['powder', 'spots', 'noise', 'counter'],
      default: 'powder',
      description: 'content of the frames; `counter` has a checksum that the sink `null` can verify',
    },
    shape: {
      type: 'array',
      items: { type: 'integer', minimum: 1, maximum: 65535 },
      minItems: 2,
      maxItems: 2,
      default: [1024, 1024],
      description: 'height and width',
    },
    dtype: { enum: ['uint8', 'uint16', 'uint32', 'int32', 'float32'], default: 'uint16', description: 'type of a pixel' },
    rate: { type: 'number', exclusiveMinimum: 0, unit: 'frames/s', description: 'rate; default: as fast as the pipeline takes them' },
    frames: { type: 'integer', minimum: 0, description: 'number of frames; default: no end' },
    series: { type: 'integer', minimum: 1, description: 'frames per series, each with a start and an end; default: no series' },
    seed: { type: 'integer', default: 1, description: 'seed of the random numbers' },
    pool: {
      type: 'integer',
      minimum: 0,
      maximum: 256,
      default: 8,
      description: 'number of different frames, which repeat; 0: each frame is new',
    },
    geometry: {
      type: 'object',
      additionalProperties: false,
      description: 'geometry of the pattern `powder`; by default ten rings of CeO2 are on the detector',
      properties: {
        distance: metres('distance from the sample to the detector'),
        pixel: metres('size of a pixel'),
        wavelength: metres('wavelength of the beam'),
        poni1: metres('position of the beam on the slow axis', false),
        poni2: metres('position of the beam on the fast axis', false),
      },
    },
  },
} as const;

/** Fills in the defaults. Throws ERR_CONFIG_INVALID when such frames cannot be produced. */
export function simulation(options: SimOptions): Simulation {
  const [height, width] = options.shape ?? [1024, 1024];
  const dtype = options.dtype ?? 'uint16';
  const pattern = options.pattern ?? 'powder';
  const pool = pattern === 'counter' ? 0 : (options.pool ?? 8);
  const frameBytes = byteLength(dtype, [height, width]);
  if (pattern === 'counter' && frameBytes < MIN_COUNTER_BYTES)
    throw new MillraceError('ERR_CONFIG_INVALID', `a counter frame needs at least ${MIN_COUNTER_BYTES} bytes, not ${frameBytes}`);
  if (Math.max(1, pool) * frameBytes > MAX_POOL_BYTES)
    throw new MillraceError(
      'ERR_CONFIG_INVALID',
      `${pool} frames of ${frameBytes} bytes exceed the 2 GiB of the simulation: reduce pool or shape`,
    );
  return {
    pattern,
    height,
    width,
    dtype,
    rate: options.rate,
    frames: options.frames ?? Number.POSITIVE_INFINITY,
    seed: options.seed ?? 1,
    pool,
    frameBytes,
    geometry: options.geometry ?? {},
    series: options.series,
  };
}

/** Maximum counts of a pixel; the value above it means no data. */
export function saturation(dtype: SimDType): number {
  if (dtype === 'uint8') return 254;
  if (dtype === 'uint16') return 65534;
  return dtype === 'int32' ? 2 ** 31 - 2 : dtype === 'uint32' ? 2 ** 32 - 2 : 2 ** 24;
}

/** Value in the gap between modules: the largest value of the dtype, NaN for float32. */
export const noData = (dtype: SimDType): number => (dtype === 'float32' ? Number.NaN : saturation(dtype) + 1);
