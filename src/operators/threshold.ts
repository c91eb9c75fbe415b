import { MillraceError } from '../errors/errors.js';
import type { DType } from '../frame/dtype.js';
import { dtypeCode } from '../frame/dtype.js';
import { createThreshold } from '../kernels/scalar/threshold.js';
import { requireNumeric } from './frame-check.js';
import { defineOperator } from './operator.js';

export interface ThresholdParams {
  readonly below?: number;
  readonly above?: number;
  /** What replaces a value beyond a limit: a number (default 0), or `limit` for the limit itself. */
  readonly put?: number | 'limit';
}

const INTEGER_RANGES: Partial<Record<DType, readonly [number, number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
  uint32: [0, 4294967295],
  int32: [-2147483648, 2147483647],
};

/** Whether a value can stand in an item of a dtype without being changed (floats take any number). */
function fits(dtype: DType, value: number): boolean {
  const range = INTEGER_RANGES[dtype];
  return !range || (Number.isInteger(value) && value >= range[0] && value <= range[1]);
}

/**
 * Replaces values under `below` and over `above` by `put`; shape and dtype stay.
 * @throws ERR_CONFIG_INVALID without a limit; ERR_OPERATOR_INPUT for a frame whose dtype cannot hold what is to be put
 */
export const threshold = defineOperator<ThresholdParams>({
  type: 'threshold',
  description: 'Replaces values under or over a limit; shape and dtype stay.',
  updates: true,
  parameters: {
    type: 'object',
    additionalProperties: false,
    properties: {
      below: { type: 'number', description: 'replace values under this one' },
      above: { type: 'number', description: 'replace values over this one' },
      put: {
        oneOf: [{ type: 'number' }, { const: 'limit' }],
        default: 0,
        description: 'what replaces them: a number, or "limit" for the limit that was passed',
      },
    },
  },
  prepare(params, context) {
    if (params.below === undefined && params.above === undefined) {
      throw new MillraceError('ERR_CONFIG_INVALID', 'threshold: give at least one of below, above');
    }
    return { shape: context.shape, dtype: context.dtype };
  },
  create(params, context) {
    const kernel = createThreshold(context.memory);
    const below = params.below ?? -Infinity;
    const above = params.above ?? Infinity;
    const put = params.put ?? 0;
    const putBelow = put === 'limit' ? below : put;
    const putAbove = put === 'limit' ? above : put;
    return {
      process(frame, out) {
        requireNumeric('threshold', frame);
        const { dtype } = frame;
        const wrong =
          params.below !== undefined && !fits(dtype, putBelow)
            ? putBelow
            : params.above !== undefined && !fits(dtype, putAbove)
              ? putAbove
              : undefined;
        if (wrong !== undefined) throw new MillraceError('ERR_OPERATOR_INPUT', `threshold: a frame of dtype ${dtype} cannot hold ${wrong}`);
        const result = out.create({ shape: frame.shape, dtype });
        kernel(dtypeCode(dtype), frame.address, frame.data.length, below, above, putBelow, putAbove, result.address);
        out.emit(result);
      },
    };
  },
});
