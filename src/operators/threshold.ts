import { MillraceError } from '../errors/errors.js';
import type { DType } from '../frame/dtype.js';
import { dtypeCode } from '../frame/dtype.js';
import { createThreshold } from '../kernels/scalar/threshold.js';
import { createThresholdWide } from '../kernels/scalar/threshold-wide.js';
import { requireKnownNumeric } from './frame-check.js';
import { defineOperator } from './operator.js';

export interface ThresholdParams {
  readonly below?: number;
  readonly above?: number;
  /** The replacement for a value beyond a limit: a number (default 0), or `limit` for the limit itself. */
  readonly put?: number | 'limit';
}

/** The largest range in which float64 represents every integer. */
const EXACT = 2 ** 53;

const INTEGER_RANGES: Partial<Record<DType, readonly [number, number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
  uint32: [0, 4294967295],
  int32: [-2147483648, 2147483647],
  // The largest range in which the limits and the replacement are exact.
  uint64: [0, EXACT],
  int64: [-EXACT, EXACT],
};

/** Whether an item of a dtype can represent a value unchanged (floats accept any number). */
function fits(dtype: DType, value: number): boolean {
  const range = INTEGER_RANGES[dtype];
  return !range || (Number.isInteger(value) && value >= range[0] && value <= range[1]);
}

/** Why frames of a dtype cannot be processed with these parameters. */
function refusalOf(dtype: DType, { below, above, put = 0 }: ThresholdParams): string | undefined {
  const [putBelow, putAbove] = put === 'limit' ? [below, above] : [put, put];
  if (below !== undefined && !fits(dtype, putBelow!)) return `a frame of dtype ${dtype} cannot represent ${putBelow}`;
  if (above !== undefined && !fits(dtype, putAbove!)) return `a frame of dtype ${dtype} cannot represent ${putAbove}`;
  if (dtype !== 'int64' && dtype !== 'uint64') return undefined;
  const limit = [below, above].find((value) => value !== undefined && Math.abs(value) >= EXACT);
  return limit === undefined ? undefined : `the limit ${limit} is not within ±2^53, where ${dtype} values are compared exactly`;
}

/**
 * Replaces values below `below` and above `above` by `put`; shape and dtype stay the same. No value has a special
 * meaning: a value that means no data elsewhere is compared with the limits like any other.
 * @throws ERR_CONFIG_INVALID without a limit, or when the dtype is known and cannot represent the replacement;
 * ERR_OPERATOR_INPUT for a frame whose dtype cannot represent the replacement, and for a limit beyond ±2^53 of 64-bit
 * integers
 */
export const threshold = defineOperator<ThresholdParams>({
  type: 'threshold',
  description: 'Replaces values below or above a limit; shape and dtype do not change.',
  docs: {
    example: `version: 1
sources:
  detector: { type: sim, pattern: spots, shape: [64, 64], frames: 4 }
stages:
  reduce:
    from: detector
    operators:
      - { type: threshold, below: 5 }
sinks:
  result: { type: print, from: reduce }`,
    errors: {
      ERR_CONFIG_INVALID: 'neither `below` nor `above` is set, or the dtype of the frames cannot hold the new value',
      ERR_OPERATOR_INPUT: 'the dtype of the frame cannot hold the new value, or the frame has dtype `bytes`',
    },
  },
  updates: true,
  passes: false,
  parameters: {
    type: 'object',
    additionalProperties: false,
    properties: {
      below: { type: 'number', description: 'replace values below this one' },
      above: { type: 'number', description: 'replace values above this one' },
      put: {
        oneOf: [{ type: 'number' }, { const: 'limit' }],
        default: 0,
        description: 'the new value: a number, or "limit" for the limit that the value passed',
      },
    },
  },
  prepare(params, context) {
    if (params.below === undefined && params.above === undefined) {
      throw new MillraceError('ERR_CONFIG_INVALID', 'threshold: give at least one of below, above');
    }
    requireKnownNumeric('threshold', context.dtype);
    const refusal = context.dtype && refusalOf(context.dtype, params);
    if (refusal !== undefined) throw new MillraceError('ERR_CONFIG_INVALID', `threshold: ${refusal}`);
    return { shape: context.shape, dtype: context.dtype };
  },
  create(params, context) {
    const kernel = createThreshold(context.memory);
    const kernelOfWide = createThresholdWide(context.memory);
    const below = params.below ?? -Infinity;
    const above = params.above ?? Infinity;
    const put = params.put ?? 0;
    const putBelow = put === 'limit' ? below : put;
    const putAbove = put === 'limit' ? above : put;
    return {
      process(frame, out) {
        const { dtype } = frame;
        if (dtype === 'bytes')
          throw new MillraceError('ERR_OPERATOR_INPUT', 'threshold: cannot process a frame of dtype bytes, which has no numbers');
        const refusal = refusalOf(dtype, params);
        if (refusal !== undefined) throw new MillraceError('ERR_OPERATOR_INPUT', `threshold: ${refusal}`);
        const result = out.create({ shape: frame.shape, dtype });
        if (dtype === 'int64' || dtype === 'uint64') {
          const signed = dtype === 'int64';
          kernelOfWide(signed, frame.address, frame.data.length, below, above, putBelow, putAbove, result.address);
        } else kernel(dtypeCode(dtype), frame.address, frame.data.length, below, above, putBelow, putAbove, result.address);
        out.emit(result);
      },
    };
  },
});
