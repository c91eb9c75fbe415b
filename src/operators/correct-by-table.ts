import type { DefinitionDocs } from '../errors/definition-docs.js';
import { dtypeCode, itemCount } from '../frame/dtype.js';
import { createCorrectPixels } from '../kernels/scalar/correct-pixels.js';
import { requireKnownNumeric, requireShape } from './frame-check.js';
import { createFrameItems } from './frame-items.js';
import { NO_DATA_SCHEMA, type NoDataParams, noDataNotes } from './no-data-parameter.js';
import { defineOperator, type OperatorDefinition } from './operator.js';
import { readPixelTable, toFloat32 } from './pixel-table.js';
import { plannedShape } from './planned-shape.js';

export interface TableParams extends NoDataParams {
  /** The table: NPY, EDF, TIFF, CBF or HDF5, also in gzip. */
  readonly file: string;
}

/** The differences between the corrections by a table. */
export interface TableCorrection {
  readonly type: string;
  readonly description: string;
  readonly docs: DefinitionDocs;
  readonly fileDescription: string;
  /** Whether the kernel subtracts the table or divides by it. */
  readonly as: 'dark' | 'flat';
}

/**
 * An operator that corrects each pixel by a table of the frame's shape, stored as float32. The output is float64 for
 * float64 frames and float32 for all others. A pixel without data in the frame or in the table becomes NaN.
 */
export function correctByTable({ type, description, docs, fileDescription, as }: TableCorrection): OperatorDefinition<TableParams> {
  return defineOperator<TableParams>({
    type,
    description,
    docs,
    updates: true,
    passes: false,
    parameters: {
      type: 'object',
      additionalProperties: false,
      required: ['file'],
      properties: { file: { type: 'string', description: fileDescription }, noData: NO_DATA_SCHEMA },
    },
    async prepare(params, context) {
      requireKnownNumeric(type, context.dtype);
      const table = await readPixelTable(type, params.file, context.baseDir);
      const known = [
        { from: table.path, shape: table.shape },
        { from: 'the input', shape: context.shape },
      ];
      const shape = plannedShape(type, known, '');
      const dtype = context.dtype === undefined ? undefined : context.dtype === 'float64' ? 'float64' : 'float32';
      return {
        constants: { table: toFloat32(table, params.noData ?? true) },
        shape,
        dtype,
        maxOutputBytes: itemCount(shape) * (dtype === 'float32' ? 4 : 8),
        state: { shape },
        notes: noDataNotes(context.dtype, params, 'NaN in the result'),
      };
    },
    create(params, context, prepared) {
      const correct = createCorrectPixels(context.memory);
      const itemsOf = createFrameItems(type, context.memory, params.noData ?? true);
      const { address } = context.constants.table!;
      const [dark, flat] = as === 'dark' ? [address, 0] : [0, address];
      const { shape } = prepared.state as { shape: readonly number[] };
      return {
        process(frame, out) {
          requireShape(type, frame, shape);
          const { dtype: code, address: items, pixels, limited, lowest, highest } = itemsOf(frame);
          const dtype = frame.dtype === 'float64' ? 'float64' : 'float32';
          const result = out.create({ shape: frame.shape, dtype });
          const from = limited ? lowest : -Infinity;
          const to = limited ? highest : Infinity;
          correct(code, items, pixels, 0, dark, flat, from, to, dtypeCode(dtype), result.address);
          out.emit(result);
        },
      };
    },
  });
}
