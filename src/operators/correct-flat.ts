import { dtypeCode, itemCount } from '../frame/dtype.js';
import { createCorrectPixels } from '../kernels/scalar/correct-pixels.js';
import { requireNumeric, requireShape } from './frame-check.js';
import { defineOperator } from './operator.js';
import { readPixelTable, toFloat32 } from './pixel-table.js';
import { plannedShape } from './planned-shape.js';

export interface CorrectFlatParams {
  readonly file: string;
}

/**
 * frame / flat, as float64 for float64 frames and float32 for all others; NaN where the flat is 0. The table is kept as float32.
 * Directly before integrate-azimuthal it is folded into the integration, where the variance stays that of the raw counts.
 * @throws ERR_CONFIG_FILE, ERR_CONFIG_INVALID; ERR_OPERATOR_INPUT for a frame of another shape
 */
export const correctFlat = defineOperator<CorrectFlatParams>({
  type: 'correct-flat',
  description: 'Divides by a flat field (float32 out, float64 for float64 in); NaN where the flat is 0.',
  parameters: {
    type: 'object',
    additionalProperties: false,
    required: ['file'],
    properties: { file: { type: 'string', description: 'flat field (.npy or .npy.gz)' } },
  },
  async prepare(params, context) {
    const table = await readPixelTable('correct-flat', params.file, context.baseDir);
    const shape = plannedShape(
      'correct-flat',
      [
        { from: table.path, shape: table.shape },
        { from: 'the input', shape: context.shape },
      ],
      '',
    );
    const dtype = context.dtype === undefined ? undefined : context.dtype === 'float64' ? 'float64' : 'float32';
    return {
      constants: { flat: toFloat32(table.data) },
      shape,
      dtype,
      maxOutputBytes: itemCount(shape) * (dtype === 'float32' ? 4 : 8),
      state: { shape },
    };
  },
  create(_params, context, prepared) {
    const correct = createCorrectPixels(context.memory);
    const flat = context.constants.flat!.address;
    const { shape } = prepared.state as { shape: readonly number[] };
    return {
      process(frame, out) {
        requireNumeric('correct-flat', frame);
        requireShape('correct-flat', frame, shape);
        const dtype = frame.dtype === 'float64' ? 'float64' : 'float32';
        const result = out.create({ shape: frame.shape, dtype });
        correct(
          dtypeCode(frame.dtype),
          frame.address,
          frame.data.length,
          0,
          0,
          flat,
          -Infinity,
          Infinity,
          dtypeCode(dtype),
          result.address,
        );
        out.emit(result);
      },
    };
  },
});
