import { viridis } from '../codecs/colour-map.js';
import { MillraceError } from '../errors/errors.js';
import { itemCount } from '../frame/dtype.js';
import { createPercentile, PERCENTILE_SCRATCH_BYTES } from '../kernels/scalar/percentile.js';
import { createToImage, SCALES } from '../kernels/scalar/to-image.js';
import { requireImage, requireKnownImage, requireKnownNumeric } from './frame-check.js';
import { createFrameItems } from './frame-items.js';
import { NO_DATA_SCHEMA, type NoDataParams, noDataNotes } from './no-data-parameter.js';
import { defineOperator } from './operator.js';

export interface ToImageParams extends NoDataParams {
  readonly scale?: (typeof SCALES)[number];
  /** Value of the darkest colour; default: the lower percentile of each frame. */
  readonly min?: number;
  /** Value of the brightest colour; default: the upper percentile of each frame. */
  readonly max?: number;
  /** Percentiles of the finite pixels, default [1, 99.5]. */
  readonly percentiles?: readonly [number, number];
}

/**
 * An RGB image of a frame: uint8 [height, width, 3], colour map viridis, black where a value is not finite or no data.
 * `log` is log(1 + value - min). `meta.range` holds the values of the darkest and the brightest colour.
 * @throws ERR_CONFIG_INVALID for min >= max; ERR_OPERATOR_INPUT for a frame that is not an image
 */
export const toImage = defineOperator<ToImageParams>({
  type: 'to-image',
  description: 'Turns a frame into an RGB image with a perceptual colour map (viridis).',
  docs: {
    example: `version: 1
sources:
  detector: { type: sim, pattern: spots, shape: [64, 64], frames: 4 }
stages:
  reduce:
    from: detector
    operators:
      - { type: to-image, scale: log }
sinks:
  result: { type: file, from: reduce, path: "images/{ordinal:06}.npy" }`,
    errors: {
      ERR_CONFIG_INVALID: '`min` is not below `max`, or the percentiles are not in order',
      ERR_OPERATOR_INPUT: 'the frame is not an image',
    },
  },
  updates: true,
  passes: false,
  parameters: {
    type: 'object',
    additionalProperties: false,
    properties: {
      scale: { enum: [...SCALES], default: 'linear', description: 'how values map to colours' },
      min: { type: 'number', description: 'value of the darkest colour; default: the lower percentile' },
      max: { type: 'number', description: 'value of the brightest colour; default: the upper percentile' },
      percentiles: {
        type: 'array',
        items: { type: 'number', minimum: 0, maximum: 100 },
        minItems: 2,
        maxItems: 2,
        default: [1, 99.5],
        description: 'percentiles of each frame that replace `min` and `max` where these are not set',
      },
      noData: NO_DATA_SCHEMA,
    },
  },
  prepare(params, context) {
    const { min, max, percentiles } = params;
    if (min !== undefined && max !== undefined && min >= max) {
      throw new MillraceError('ERR_CONFIG_INVALID', `to-image: min ${min} must be below max ${max}`);
    }
    if (percentiles && percentiles[0] >= percentiles[1]) {
      throw new MillraceError('ERR_CONFIG_INVALID', `to-image: percentile ${percentiles[0]} must be below ${percentiles[1]}`);
    }
    const { shape } = context;
    requireKnownNumeric('to-image', context.dtype);
    requireKnownImage('to-image', shape);
    return {
      constants: { colours: viridis() },
      scratchBytes: PERCENTILE_SCRATCH_BYTES,
      shape: shape && [...shape, 3],
      dtype: 'uint8',
      maxOutputBytes: shape ? itemCount(shape) * 3 : context.maxInputBytes * 3,
      notes: noDataNotes(context.dtype, params, 'black'),
    };
  },
  create(params, context) {
    const percentile = createPercentile(context.memory);
    const kernel = createToImage(context.memory);
    const itemsOf = createFrameItems('to-image', context.memory, params.noData ?? true);
    const colours = context.constants.colours!.address;
    const scratch = context.scratch.address;
    const scale = SCALES.indexOf(params.scale ?? 'linear');
    const [lower, upper] = params.percentiles ?? [1, 99.5];
    return {
      process(frame, out) {
        requireImage('to-image', frame);
        const { dtype, address, pixels, lowest, highest } = itemsOf(frame);
        const low = params.min ?? percentile(dtype, address, pixels, lower / 100, lowest, highest, scratch);
        const high = params.max ?? percentile(dtype, address, pixels, upper / 100, lowest, highest, scratch);
        const range = Number.isNaN(low) || Number.isNaN(high) ? null : [low, high];
        const result = out.create({ shape: [frame.shape[0]!, frame.shape[1]!, 3], dtype: 'uint8', meta: { range } });
        kernel(dtype, address, pixels, scale, low, high, colours, lowest, highest, result.address);
        out.emit(result);
      },
    };
  },
});
