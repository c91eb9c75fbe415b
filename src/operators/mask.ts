import { MillraceError } from '../errors/errors.js';
import { dtypeCode, itemCount } from '../frame/dtype.js';
import { createCorrectPixels } from '../kernels/scalar/correct-pixels.js';
import { requireKnownNumeric, requireShape } from './frame-check.js';
import { createFrameItems } from './frame-items.js';
import { NO_DATA_SCHEMA, type NoDataParams, noDataNotes } from './no-data-parameter.js';
import { defineOperator } from './operator.js';
import { readPixelTable, toMask } from './pixel-table.js';
import { plannedShape } from './planned-shape.js';

export interface MaskParams extends NoDataParams {
  readonly file?: string;
  readonly below?: number;
  readonly above?: number;
}

/**
 * float32 with NaN at masked pixels: where the table `file` is not zero, where a value is below `below` or above
 * `above`, and where it means no data. float32 represents integers up to 2^24 exactly. Directly before
 * integrate-azimuthal it is folded into the integration.
 * @throws ERR_CONFIG_FILE, ERR_CONFIG_INVALID when nothing is to be masked; ERR_OPERATOR_INPUT for a frame of another
 * shape
 */
export const mask = defineOperator<MaskParams>({
  type: 'mask',
  description:
    'Sets bad pixels to NaN (float32), by a table and by limits; directly before integrate-azimuthal it is folded into the integration.',
  docs: {
    example: `version: 1
sources:
  detector: { type: sim, pattern: spots, shape: [64, 64], frames: 4 }
stages:
  reduce:
    from: detector
    operators:
      - { type: mask, above: 60000 }
sinks:
  result: { type: print, from: reduce }`,
    errors: {
      ERR_CONFIG_FILE: 'the table is missing or unreadable',
      ERR_CONFIG_INVALID: 'no option masks anything, or the table and the frames differ in shape',
      ERR_OPERATOR_INPUT: 'the frame has another shape than the table',
    },
  },
  updates: true,
  passes: false,
  parameters: {
    type: 'object',
    additionalProperties: false,
    properties: {
      file: {
        type: 'string',
        description: 'table of the shape of the frames (NPY, EDF, TIFF, CBF or HDF5, also in gzip); a pixel that is not 0 is masked',
      },
      below: { type: 'number', description: 'mask values below this one' },
      above: { type: 'number', description: 'mask values above this one' },
      noData: NO_DATA_SCHEMA,
    },
  },
  async prepare(params, context) {
    requireKnownNumeric('mask', context.dtype);
    if (params.file === undefined && params.below === undefined && params.above === undefined && params.noData !== true) {
      throw new MillraceError('ERR_CONFIG_INVALID', 'mask: give at least one of file, below, above, noData: true');
    }
    const { shape } = context;
    const notes = noDataNotes(context.dtype, params, 'masked');
    // One byte can become four.
    const maxOutputBytes = shape ? itemCount(shape) * 4 : context.maxInputBytes * 4;
    const maxConstantBytes = shape ? itemCount(shape) : 0;
    if (params.file === undefined) return { shape, dtype: 'float32', maxOutputBytes, maxConstantBytes, notes };
    const table = await readPixelTable('mask', params.file, context.baseDir);
    const planned = plannedShape(
      'mask',
      [
        { from: table.path, shape: table.shape },
        { from: 'the input', shape },
      ],
      '',
    );
    return {
      constants: { mask: toMask(table.data) },
      shape: planned,
      dtype: 'float32',
      maxOutputBytes: itemCount(planned) * 4,
      state: { shape: planned },
      notes,
    };
  },
  create(params, context, prepared) {
    const correct = createCorrectPixels(context.memory);
    const itemsOf = createFrameItems('mask', context.memory, params.noData ?? true);
    const table = context.constants.mask?.address ?? 0;
    const shape = (prepared.state as { shape: readonly number[] } | undefined)?.shape;
    const below = params.below ?? -Infinity;
    const above = params.above ?? Infinity;
    const outDtype = dtypeCode('float32');
    return {
      process(frame, out) {
        if (shape) requireShape('mask', frame, shape);
        const { dtype, address, pixels, limited, lowest, highest } = itemsOf(frame);
        const from = limited ? Math.max(below, lowest) : below;
        const to = limited ? Math.min(above, highest) : above;
        const result = out.create({ shape: frame.shape, dtype: 'float32' });
        correct(dtype, address, pixels, table, 0, 0, from, to, outDtype, result.address);
        out.emit(result);
      },
    };
  },
});
