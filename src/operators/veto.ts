import { MillraceError } from '../errors/errors.js';
import { createRegionSum } from '../kernels/scalar/region-sum.js';
import { requireImage, requireKnownNumeric } from './frame-check.js';
import { createFrameItems } from './frame-items.js';
import { NO_DATA_SCHEMA, type NoDataParams, noDataNotes } from './no-data-parameter.js';
import { defineOperator } from './operator.js';
import type { Region } from './region.js';
import { REGION_SCHEMA, requireRegion } from './region.js';

export interface VetoParams extends NoDataParams {
  /**
   * `total`: sum of the values. `count`: number of values above `level`. Values that are not finite or no data are
   * excluded.
   */
  readonly statistic?: 'total' | 'count';
  readonly level?: number;
  readonly roi?: Region;
  readonly min?: number;
  readonly max?: number;
  /** What to do with a frame whose statistic is within min..max (both included). */
  readonly action?: 'keep' | 'drop';
  /** Of the frames to be dropped, keep those whose ordinal is a multiple of this. */
  readonly every?: number;
}

/**
 * Keeps (default) or drops the frames whose statistic is within `min`..`max`; frames that are kept are passed on
 * without a copy.
 * @throws ERR_CONFIG_INVALID without a limit, or for a count without a level; ERR_OPERATOR_INPUT for a frame smaller
 * than the region
 */
export const veto = defineOperator<VetoParams>({
  type: 'veto',
  description: 'Keeps or drops frames by their total, or by the number of pixels above a level; can keep every n-th of the rest.',
  docs: {
    example: `version: 1
sources:
  detector: { type: sim, pattern: spots, shape: [64, 64], frames: 4 }
stages:
  reduce:
    from: detector
    operators:
      - { type: veto, statistic: count, level: 200, min: 10 }
sinks:
  result: { type: print, from: reduce }`,
    errors: {
      ERR_CONFIG_INVALID: 'neither `min` nor `max` is set, `statistic: count` lacks `level`, or the region is empty',
      ERR_OPERATOR_INPUT: 'the region exceeds the frame',
    },
  },
  updates: true,
  parameters: {
    type: 'object',
    additionalProperties: false,
    properties: {
      statistic: {
        enum: ['total', 'count'],
        default: 'total',
        description: '`total`: sum of the pixels; `count`: number of pixels above `level`',
      },
      level: { type: 'number', description: 'for `count`: the value that a pixel must exceed' },
      roi: REGION_SCHEMA,
      min: { type: 'number', description: 'lower end of the range of the statistic' },
      max: { type: 'number', description: 'upper end of the range of the statistic' },
      action: { enum: ['keep', 'drop'], default: 'keep', description: 'keep or drop the frames within the range' },
      every: { type: 'integer', minimum: 1, description: 'also keep a frame that would be dropped if its ordinal is a multiple of this' },
      noData: NO_DATA_SCHEMA,
    },
  },
  prepare(params, context) {
    requireKnownNumeric('veto', context.dtype);
    if (params.min === undefined && params.max === undefined) {
      throw new MillraceError('ERR_CONFIG_INVALID', 'veto: give at least one of min, max');
    }
    if (params.statistic === 'count' && params.level === undefined) {
      throw new MillraceError('ERR_CONFIG_INVALID', 'veto: statistic count needs a level');
    }
    if (params.statistic !== 'count' && params.level !== undefined) {
      throw new MillraceError('ERR_CONFIG_INVALID', 'veto: level needs statistic: count');
    }
    if (params.roi) requireRegion('ERR_CONFIG_INVALID', 'veto', 'roi', params.roi, context.shape);
    return { shape: context.shape, dtype: context.dtype, maxOutputBytes: 0, notes: noDataNotes(context.dtype, params) };
  },
  create(params, context) {
    const kernel = createRegionSum(context.memory);
    const itemsOf = createFrameItems('veto', context.memory, params.noData ?? true);
    const { roi, every } = params;
    const level = params.level ?? Number.NaN;
    const min = params.min ?? -Infinity;
    const max = params.max ?? Infinity;
    const keepWithin = params.action !== 'drop';
    return {
      process(frame, out) {
        const { dtype, address, pixels, lowest, highest } = itemsOf(frame);
        let value: number;
        if (roi) {
          requireImage('veto', frame);
          requireRegion('ERR_OPERATOR_INPUT', 'veto', 'roi', roi, frame.shape);
          value = kernel(dtype, address, frame.shape[1]!, roi.y[0], roi.y[1], roi.x[0], roi.x[1], level, lowest, highest);
        } else {
          value = kernel(dtype, address, pixels, 0, 1, 0, pixels, level, lowest, highest);
        }
        const within = value >= min && value <= max;
        if (within === keepWithin || (every !== undefined && frame.ordinal % every === 0)) out.emit(frame);
      },
    };
  },
});
