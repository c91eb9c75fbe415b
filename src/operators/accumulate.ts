import { dtypeCode, itemCount } from '../frame/dtype.js';
import { createAccumulate } from '../kernels/scalar/accumulate.js';
import { requireNumeric, requireShape } from './frame-check.js';
import { defineOperator, type Emitter } from './operator.js';
import { plannedShape, SHAPE_SCHEMA } from './planned-shape.js';

const COLUMNS = ['mean', 'variance'] as const;

export interface AccumulateParams {
  /** Frames per result. */
  readonly frames: number;
  readonly shape?: readonly number[];
}

/**
 * Mean and sample variance (divided by frames - 1; NaN for one frame) of every N consecutive frames: float64
 * [2, ...shape], `columns` mean, variance, emitted with the Nth frame; what is left over when a series or its source ends is
 * emitted then, `meta.frames` saying how many it is of.
 * A pixel that is NaN in one frame is NaN in the result. Keeps state, so its stage has one worker.
 * @throws ERR_CONFIG_INVALID when the shape is not known; ERR_OPERATOR_INPUT for a frame of another shape, which is not counted
 */
export const accumulate = defineOperator<AccumulateParams>({
  type: 'accumulate',
  description: 'Mean and variance of every N frames, pixel by pixel (float64).',
  stateful: true,
  merges: true,
  flushes: true,
  parameters: {
    type: 'object',
    additionalProperties: false,
    required: ['frames'],
    properties: {
      frames: { type: 'integer', minimum: 1, maximum: 1_000_000_000, description: 'frames per result' },
      shape: { ...SHAPE_SCHEMA, maxItems: 3 },
    },
  },
  prepare(params, context) {
    const shape = plannedShape(
      'accumulate',
      [
        { from: 'the parameter shape', shape: params.shape },
        { from: 'the input', shape: context.shape },
      ],
      'give shape: [height, width]',
    );
    const bytes = itemCount(shape) * 16;
    return { scratchBytes: bytes, shape: [2, ...shape], dtype: 'float64', maxOutputBytes: bytes, state: { shape } };
  },
  create(params, context, prepared) {
    const kernel = createAccumulate(context.memory);
    const { shape } = prepared.state as { shape: readonly number[] };
    const pixels = itemCount(shape);
    const mean = context.scratch.address;
    const m2 = mean + pixels * 8;
    const sums = new Float64Array(context.memory.buffer, mean, pixels * 2);
    const spec = (frames: number) => ({ shape: [2, ...shape], dtype: 'float64', columns: COLUMNS, meta: { frames } }) as const;
    let n = 0;
    const emit = (out: Emitter): void => {
      const result = out.create(spec(n));
      const values = result.data as Float64Array;
      values.set(sums);
      for (let i = pixels; i < pixels * 2; i++) values[i] = values[i]! / (n - 1);
      n = 0;
      out.emit(result);
    };
    return {
      process(frame, out) {
        requireNumeric('accumulate', frame);
        requireShape('accumulate', frame, shape);
        n++;
        kernel(dtypeCode(frame.dtype), frame.address, pixels, n, mean, m2);
        if (n === params.frames) emit(out);
      },
      onStart() {
        n = 0;
      },
      flush(out) {
        if (n > 0) emit(out);
      },
    };
  },
});
