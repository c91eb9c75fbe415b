import { dtypeCode, itemCount } from '../frame/dtype.js';
import { createCorrectPixels } from '../kernels/scalar/correct-pixels.js';
import { requireNumeric, requireShape } from './frame-check.js';
import { defineOperator } from './operator.js';
import { readPixelTable, toFloat32 } from './pixel-table.js';
import { plannedShape } from './planned-shape.js';

export interface SubtractDarkParams {
  readonly file: string;
}

/**
 * frame - dark, as float64 for float64 frames and float32 for all others. The table is kept as float32.
 * Directly before integrate-azimuthal it is folded into the integration, where the variance stays that of the raw counts.
 * @throws ERR_CONFIG_FILE, ERR_CONFIG_INVALID; ERR_OPERATOR_INPUT for a frame of another shape
 */
export const subtractDark = defineOperator<SubtractDarkParams>({
  type: 'subtract-dark',
  description: 'Subtracts a dark frame (float32 out, float64 for float64 in).',
  parameters: {
    type: 'object',
    additionalProperties: false,
    required: ['file'],
    properties: { file: { type: 'string', description: 'dark frame (.npy or .npy.gz)' } },
  },
  async prepare(params, context) {
    const table = await readPixelTable('subtract-dark', params.file, context.baseDir);
    const shape = plannedShape(
      'subtract-dark',
      [
        { from: table.path, shape: table.shape },
        { from: 'the input', shape: context.shape },
      ],
      '',
    );
    const dtype = context.dtype === undefined ? undefined : context.dtype === 'float64' ? 'float64' : 'float32';
    return {
      constants: { dark: toFloat32(table.data) },
      shape,
      dtype,
      maxOutputBytes: itemCount(shape) * (dtype === 'float32' ? 4 : 8),
      state: { shape },
    };
  },
  create(_params, context, prepared) {
    const correct = createCorrectPixels(context.memory);
    const dark = context.constants.dark!.address;
    const { shape } = prepared.state as { shape: readonly number[] };
    return {
      process(frame, out) {
        requireNumeric('subtract-dark', frame);
        requireShape('subtract-dark', frame, shape);
        const dtype = frame.dtype === 'float64' ? 'float64' : 'float32';
        const result = out.create({ shape: frame.shape, dtype });
        correct(
          dtypeCode(frame.dtype),
          frame.address,
          frame.data.length,
          0,
          dark,
          0,
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
