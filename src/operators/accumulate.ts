import { itemCount } from '../frame/dtype.js';
import type { Frame, MutableFrame } from '../frame/frame.js';
import { createAccumulate } from '../kernels/scalar/accumulate.js';
import { mergeMoments } from '../kernels/scalar/merge-moments.js';
import { requireKnownNumeric, requireShape } from './frame-check.js';
import { createFrameItems, type FrameItems } from './frame-items.js';
import { NO_DATA_SCHEMA, type NoDataParams, noDataNotes } from './no-data-parameter.js';
import { defineOperator, type Emitter } from './operator.js';
import { plannedShape, SHAPE_SCHEMA } from './planned-shape.js';

const COLUMNS = ['mean', 'variance'] as const;

export interface AccumulateParams extends NoDataParams {
  /** Frames per result; without it, one result for a whole series. */
  readonly frames?: number;
  readonly shape?: readonly number[];
}

interface State {
  readonly shape: readonly number[];
}

/** Layout of the moments in a partial: the number of frames (float64), then the means and the M2 of all pixels. */
const MOMENTS_AT = 64;

/**
 * Mean and sample variance (divided by frames - 1; NaN for one frame): float64 [2, ...shape], `columns` mean, variance,
 * with the number of frames in `meta.frames`. With `frames: N`, of every N consecutive frames, emitted with the Nth;
 * the rest is emitted when a series or its source ends. This keeps state, so its stage has one worker. Without
 * `frames`, of a whole series (or of the whole source), emitted at its end, by any number of workers: each has the
 * moments of its own frames (Welford), and these are merged (Chan et al.). A pixel that is NaN or no data in one frame
 * is NaN in the result.
 * @throws ERR_CONFIG_INVALID when the shape is not known; ERR_OPERATOR_INPUT for a frame of another shape, which is not
 * counted
 */
export const accumulate = defineOperator<AccumulateParams>({
  type: 'accumulate',
  description: 'Computes mean and variance of every N frames, or of a series, pixel by pixel (float64).',
  docs: {
    example: `version: 1
sources:
  detector: { type: sim, pattern: noise, shape: [64, 64], frames: 100 }
stages:
  reduce:
    from: detector
    operators:
      - { type: accumulate, frames: 50 }
sinks:
  result: { type: print, from: reduce }`,
    errors: {
      ERR_CONFIG_INVALID: 'the shape of the frames is not known: set `shape`',
      ERR_OPERATOR_INPUT: 'the frame has another shape; it is not accumulated',
    },
  },
  stateful: ({ frames }) => frames !== undefined,
  merges: true,
  flushes: true,
  passes: false,
  parameters: {
    type: 'object',
    additionalProperties: false,
    properties: {
      frames: {
        type: 'integer',
        minimum: 1,
        maximum: 1_000_000_000,
        description: 'frames per result; default: one result for each series',
      },
      shape: { ...SHAPE_SCHEMA, maxItems: 3 },
      noData: NO_DATA_SCHEMA,
    },
  },
  prepare(params, context) {
    requireKnownNumeric('accumulate', context.dtype);
    const shape = plannedShape(
      'accumulate',
      [
        { from: 'the parameter shape', shape: params.shape },
        { from: 'the input', shape: context.shape },
      ],
      'give shape: [height, width]',
    );
    const bytes = itemCount(shape) * 16;
    const state: State = { shape };
    const partial = params.frames === undefined ? { partialBytes: MOMENTS_AT + bytes } : {};
    const notes = noDataNotes(context.dtype, params, 'NaN in the result');
    return { ...partial, scratchBytes: bytes, shape: [2, ...shape], dtype: 'float64', maxOutputBytes: bytes, state, notes };
  },
  create(params, context, prepared) {
    const kernel = createAccumulate(context.memory);
    const { shape } = prepared.state as State;
    const pixels = itemCount(shape);
    const { buffer } = context.memory;
    const mean = context.scratch.address;
    const m2 = mean + pixels * 8;
    const sums = new Float64Array(buffer, mean, pixels * 2);
    let n = 0;
    const make = (out: Emitter, frames: number): MutableFrame =>
      out.create({ shape: [2, ...shape], dtype: 'float64', columns: COLUMNS, meta: { frames } });
    const emit = (out: Emitter, result: MutableFrame): void => {
      const values = result.data as Float64Array;
      values.set(sums);
      for (let i = pixels; i < pixels * 2; i++) values[i] = values[i]! / (n - 1);
      out.emit(result);
      n = 0;
    };
    const itemsOf = createFrameItems('accumulate', context.memory, params.noData ?? true);
    const checked = (frame: Frame): Readonly<FrameItems> => {
      requireShape('accumulate', frame, shape);
      return itemsOf(frame);
    };
    if (params.frames === undefined) {
      const { partial } = context;
      const counts = new Float64Array(buffer);
      const sumsOf = (part: Uint8Array): Float64Array => new Float64Array(buffer, part.byteOffset + MOMENTS_AT, pixels * 2);
      return {
        process(frame) {
          const { dtype, address, limited, lowest, highest } = checked(frame);
          const at = partial.address / 8;
          const count = counts[at]! + 1;
          const moments = partial.address + MOMENTS_AT;
          kernel(dtype, address, pixels, count, moments, moments + pixels * 8, limited, lowest, highest);
          counts[at] = count;
        },
        merge(parts) {
          n = 0;
          for (const part of parts) {
            const count = counts[part.byteOffset / 8]!;
            const moments = sumsOf(part);
            if (n === 0) sums.set(moments);
            else
              mergeMoments(
                n,
                sums.subarray(0, pixels),
                sums.subarray(pixels),
                count,
                moments.subarray(0, pixels),
                moments.subarray(pixels),
              );
            n += count;
          }
        },
        flush(out) {
          if (n > 0) emit(out, make(out, n));
        },
      };
    }
    return {
      process(frame, out) {
        const { dtype, address, limited, lowest, highest } = checked(frame);
        // Everything that can fail comes before the frame is added, because a failed frame is retried.
        const result = n + 1 === params.frames ? make(out, n + 1) : undefined;
        n++;
        kernel(dtype, address, pixels, n, mean, m2, limited, lowest, highest);
        if (result) emit(out, result);
      },
      flush(out) {
        if (n > 0) emit(out, make(out, n));
      },
    };
  },
});
