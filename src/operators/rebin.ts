import { MillraceError } from '../errors/errors.js';
import type { DType } from '../frame/dtype.js';
import { byteLength, dtypeCode, itemSize } from '../frame/dtype.js';
import { createRebin } from '../kernels/scalar/rebin.js';
import { requireImage, requireKnownNumeric } from './frame-check.js';
import { createFrameItems } from './frame-items.js';
import { NO_DATA_SCHEMA, type NoDataParams, noDataNotes } from './no-data-parameter.js';
import { defineOperator } from './operator.js';

export interface RebinParams extends NoDataParams {
  /** Pixels per block on both axes, or [y, x]. At most 65536 pixels per block. */
  readonly factor: number | readonly [number, number];
}

/** Largest block whose sum of 16-bit values fits 32 bits. */
const MAX_BLOCK = 65536;

/** A dtype that represents the sum of a block exactly (floats: rounded once). */
export function sumDtype(dtype: DType): DType {
  if (dtype === 'uint8' || dtype === 'uint16') return 'uint32';
  if (dtype === 'int8' || dtype === 'int16') return 'int32';
  return dtype === 'float32' ? 'float32' : 'float64';
}

function factors(factor: RebinParams['factor']): readonly [number, number] {
  return typeof factor === 'number' ? [factor, factor] : factor;
}

/**
 * Sums blocks of pixels: [height, width] becomes [floor(height / y), floor(width / x)]; incomplete blocks at the far
 * edges are omitted. NaN makes its block NaN, and a pixel without data makes its block no data: the largest value of
 * uint32, -1 of int32, NaN of floats. Sums are computed in float64; 8 and 16 bit integers give uint32 or int32, 32 and
 * 64 bit integers float64, floats keep their dtype.
 * @throws ERR_CONFIG_INVALID for blocks over 65536 pixels; ERR_OPERATOR_INPUT for a frame that is not an image or has
 * no whole block
 */
export const rebin = defineOperator<RebinParams>({
  type: 'rebin',
  description: 'Sums each block of pixels into one pixel; rows and columns that fill no whole block are left out.',
  docs: {
    example: `version: 1
sources:
  detector: { type: sim, pattern: spots, shape: [64, 64], frames: 4 }
stages:
  reduce:
    from: detector
    operators:
      - { type: rebin, factor: 4 }
sinks:
  result: { type: print, from: reduce }`,
    errors: {
      ERR_CONFIG_INVALID: 'a block has more than 65536 pixels, or no whole block fits in the frame',
      ERR_OPERATOR_INPUT: 'the frame is not an image, or no whole block fits in it',
    },
  },
  updates: true,
  passes: false,
  parameters: {
    type: 'object',
    additionalProperties: false,
    required: ['factor'],
    properties: {
      factor: {
        description: 'pixels per block on both axes, or [y, x]',
        oneOf: [
          { type: 'integer', minimum: 1, maximum: MAX_BLOCK },
          { type: 'array', items: { type: 'integer', minimum: 1, maximum: MAX_BLOCK }, minItems: 2, maxItems: 2 },
        ],
      },
      noData: NO_DATA_SCHEMA,
    },
  },
  prepare(params, context) {
    requireKnownNumeric('rebin', context.dtype);
    const [fy, fx] = factors(params.factor);
    if (fy * fx > MAX_BLOCK)
      throw new MillraceError('ERR_CONFIG_INVALID', `rebin: a block of ${fy}×${fx} has more than ${MAX_BLOCK} pixels`);
    const { shape } = context;
    if (shape && (shape.length !== 2 || shape[0]! < fy || shape[1]! < fx)) {
      throw new MillraceError('ERR_CONFIG_INVALID', `rebin: no whole block of ${fy}×${fx} fits in a frame of ${shape.join('×')}`);
    }
    const outShape = shape && [Math.floor(shape[0]! / fy), Math.floor(shape[1]! / fx)];
    const dtype = context.dtype && sumDtype(context.dtype);
    // Unknown frames: one byte may become four, or four become eight.
    const growth = dtype && context.dtype ? itemSize(dtype) / itemSize(context.dtype) : 4;
    const maxOutputBytes = outShape
      ? byteLength(dtype ?? 'float64', outShape)
      : Math.ceil((context.maxInputBytes * growth) / (fy * fx)) + 8;
    return { shape: outShape, dtype, maxOutputBytes, notes: noDataNotes(context.dtype, params, 'the block has no data') };
  },
  create(params, context) {
    const kernel = createRebin(context.memory);
    const itemsOf = createFrameItems('rebin', context.memory, params.noData ?? true);
    const [fy, fx] = factors(params.factor);
    return {
      process(frame, out) {
        requireImage('rebin', frame);
        const [height, width] = frame.shape as [number, number];
        if (height < fy || width < fx) {
          throw new MillraceError('ERR_OPERATOR_INPUT', `rebin: no whole block of ${fy}×${fx} fits in a frame of ${height}×${width}`);
        }
        const { dtype: from, address, limited, lowest, highest } = itemsOf(frame);
        const dtype = sumDtype(frame.dtype);
        const noData = dtype === 'uint32' ? 2 ** 32 - 1 : dtype === 'int32' ? -1 : Number.NaN;
        const result = out.create({ shape: [Math.floor(height / fy), Math.floor(width / fx)], dtype });
        const to = dtypeCode(dtype);
        kernel(from, address, height, width, fy, fx, to, result.address, limited, lowest, highest, noData);
        out.emit(result);
      },
    };
  },
});
