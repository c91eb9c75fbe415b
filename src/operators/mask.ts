import { MillraceError } from '../errors/errors.js';
import { dtypeCode, itemCount } from '../frame/dtype.js';
import { createCorrectPixels } from '../kernels/scalar/correct-pixels.js';
import { requireNumeric, requireShape } from './frame-check.js';
import { defineOperator } from './operator.js';
import { readPixelTable, toMask } from './pixel-table.js';
import { plannedShape } from './planned-shape.js';

export interface MaskParams {
  readonly file?: string;
  readonly below?: number;
  readonly above?: number;
}

/**
 * float32 with NaN where masked: where the table `file` is not zero, where a value is under `below` or over `above`.
 * float32 holds integers up to 2^24 exactly. Directly before integrate-azimuthal it is folded into the integration.
 * @throws ERR_CONFIG_FILE, ERR_CONFIG_INVALID when nothing is to be masked; ERR_OPERATOR_INPUT for a frame of another shape
 */
export const mask = defineOperator<MaskParams>({
  type: 'mask',
  description: 'Marks bad pixels as NaN (float32), by a table and by limits; folded into integrate-azimuthal where it stands before it.',
  updates: true,
  parameters: {
    type: 'object',
    additionalProperties: false,
    properties: {
      file: { type: 'string', description: "table of the frame's shape (.npy or .npy.gz), nonzero = masked" },
      below: { type: 'number', description: 'mask values under this one' },
      above: { type: 'number', description: 'mask values over this one' },
    },
  },
  async prepare(params, context) {
    if (params.file === undefined && params.below === undefined && params.above === undefined) {
      throw new MillraceError('ERR_CONFIG_INVALID', 'mask: give at least one of file, below, above');
    }
    const { shape } = context;
    // A byte can become four.
    const maxOutputBytes = shape ? itemCount(shape) * 4 : context.maxInputBytes * 4;
    const maxConstantBytes = shape ? itemCount(shape) : 0;
    if (params.file === undefined) return { shape, dtype: 'float32', maxOutputBytes, maxConstantBytes };
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
    };
  },
  create(params, context, prepared) {
    const correct = createCorrectPixels(context.memory);
    const table = context.constants.mask?.address ?? 0;
    const shape = (prepared.state as { shape: readonly number[] } | undefined)?.shape;
    const below = params.below ?? -Infinity;
    const above = params.above ?? Infinity;
    const outDtype = dtypeCode('float32');
    return {
      process(frame, out) {
        requireNumeric('mask', frame);
        if (shape) requireShape('mask', frame, shape);
        const result = out.create({ shape: frame.shape, dtype: 'float32' });
        correct(dtypeCode(frame.dtype), frame.address, frame.data.length, table, 0, 0, below, above, outDtype, result.address);
        out.emit(result);
      },
    };
  },
});
