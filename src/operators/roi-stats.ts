import { createRoiStats, ROI_STATISTICS } from '../kernels/scalar/roi-stats.js';
import { requireImage, requireKnownImage, requireKnownNumeric } from './frame-check.js';
import { createFrameItems } from './frame-items.js';
import { NO_DATA_SCHEMA, type NoDataParams, noDataNotes } from './no-data-parameter.js';
import { defineOperator } from './operator.js';
import type { Region } from './region.js';
import { REGION_SCHEMA, requireRegion } from './region.js';

export interface RoiStatsParams extends NoDataParams {
  /** Regions by name. */
  readonly rois: Readonly<Record<string, Region>>;
}

/**
 * Statistics of named regions: float64 [8, regions], `columns` min, max, mean, sigma (population standard deviation),
 * total, count, com_y, com_x (centre of mass in pixels), one value per region in the order of `meta.rois`. NaN,
 * infinities and no data are excluded.
 * @throws ERR_CONFIG_INVALID for an empty region; ERR_OPERATOR_INPUT for a frame smaller than a region
 */
export const roiStats = defineOperator<RoiStatsParams>({
  type: 'roi-stats',
  description: 'Computes min, max, mean, sigma, total, count and centre of mass of named regions, as a float64 table.',
  docs: {
    example: `version: 1
sources:
  detector: { type: sim, pattern: spots, shape: [64, 64], frames: 4 }
stages:
  reduce:
    from: detector
    operators:
      - type: roi-stats
        rois:
          beam: { y: [16, 48], x: [16, 48] }
          corner: { y: [0, 8], x: [0, 8] }
sinks:
  result: { type: print, from: reduce }`,
    errors: {
      ERR_CONFIG_INVALID: 'a region is empty or exceeds the frame',
      ERR_OPERATOR_INPUT: 'a region exceeds the frame',
    },
  },
  updates: true,
  passes: false,
  parameters: {
    type: 'object',
    additionalProperties: false,
    required: ['rois'],
    properties: {
      rois: { type: 'object', minProperties: 1, maxProperties: 1024, additionalProperties: REGION_SCHEMA, description: 'regions by name' },
      noData: NO_DATA_SCHEMA,
    },
  },
  prepare(params, context) {
    const rois = Object.entries(params.rois);
    requireKnownNumeric('roi-stats', context.dtype);
    requireKnownImage('roi-stats', context.shape);
    for (const [name, region] of rois) requireRegion('ERR_CONFIG_INVALID', 'roi-stats', name, region, context.shape);
    return {
      shape: [ROI_STATISTICS.length, rois.length],
      dtype: 'float64',
      maxOutputBytes: ROI_STATISTICS.length * rois.length * 8,
      notes: noDataNotes(context.dtype, params),
    };
  },
  create(params, context) {
    const kernel = createRoiStats(context.memory);
    const itemsOf = createFrameItems('roi-stats', context.memory, params.noData ?? true);
    const rois = Object.entries(params.rois);
    const spec = {
      shape: [ROI_STATISTICS.length, rois.length],
      dtype: 'float64',
      columns: ROI_STATISTICS,
      meta: { rois: rois.map(([name]) => name) },
    } as const;
    return {
      process(frame, out) {
        requireImage('roi-stats', frame);
        for (const [name, region] of rois) requireRegion('ERR_OPERATOR_INPUT', 'roi-stats', name, region, frame.shape);
        const { dtype, address, lowest, highest } = itemsOf(frame);
        const result = out.create(spec);
        for (let index = 0; index < rois.length; index++) {
          const { y, x } = rois[index]![1];
          const target = result.address + index * 8;
          kernel(dtype, address, frame.shape[1]!, y[0], y[1], x[0], x[1], lowest, highest, target, rois.length);
        }
        out.emit(result);
      },
    };
  },
});
