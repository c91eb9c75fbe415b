import { dtypeCode, itemCount } from '../frame/dtype.js';
import { createCorrectPixels } from '../kernels/scalar/correct-pixels.js';
import { requireNumeric, requireShape } from './frame-check.js';
import { defineOperator, type OperatorDefinition } from './operator.js';
import { readPixelTable, toFloat32 } from './pixel-table.js';
import { plannedShape } from './planned-shape.js';

export interface TableParams {
  /** The table, .npy or .npy.gz. */
  readonly file: string;
}

/** What tells one correction by a table from another. */
export interface TableCorrection {
  readonly type: string;
  readonly description: string;
  readonly fileDescription: string;
  /** Whether the kernel subtracts the table or divides by it. */
  readonly as: 'dark' | 'flat';
}

/**
 * An operator that corrects each pixel by a table of the frame's shape, kept as float32: float64 out for float64 frames,
 * float32 out for all others.
 */
export function correctByTable({ type, description, fileDescription, as }: TableCorrection): OperatorDefinition<TableParams> {
  return defineOperator<TableParams>({
    type,
    description,
    updates: true,
    parameters: {
      type: 'object',
      additionalProperties: false,
      required: ['file'],
      properties: { file: { type: 'string', description: fileDescription } },
    },
    async prepare(params, context) {
      const table = await readPixelTable(type, params.file, context.baseDir);
      const known = [
        { from: table.path, shape: table.shape },
        { from: 'the input', shape: context.shape },
      ];
      const shape = plannedShape(type, known, '');
      const dtype = context.dtype === undefined ? undefined : context.dtype === 'float64' ? 'float64' : 'float32';
      return {
        constants: { table: toFloat32(table.data) },
        shape,
        dtype,
        maxOutputBytes: itemCount(shape) * (dtype === 'float32' ? 4 : 8),
        state: { shape },
      };
    },
    create(_params, context, prepared) {
      const correct = createCorrectPixels(context.memory);
      const { address } = context.constants.table!;
      const [dark, flat] = as === 'dark' ? [address, 0] : [0, address];
      const { shape } = prepared.state as { shape: readonly number[] };
      return {
        process(frame, out) {
          requireNumeric(type, frame);
          requireShape(type, frame, shape);
          const dtype = frame.dtype === 'float64' ? 'float64' : 'float32';
          const result = out.create({ shape: frame.shape, dtype });
          const { address: from, data } = frame;
          correct(dtypeCode(frame.dtype), from, data.length, 0, dark, flat, -Infinity, Infinity, dtypeCode(dtype), result.address);
          out.emit(result);
        },
      };
    },
  });
}
