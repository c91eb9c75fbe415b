import { MillraceError } from '../errors/errors.js';
import { byteLength, MAX_DIMENSIONS } from '../frame/dtype.js';
import { defineOperator, type Frame, type KnownFrames } from './operator.js';

export interface JoinParams {
  /**
   * What the frames of one event share: `ordinal` (branches of one source), the sender's number (`frame`), or the time.
   */
  readonly by: 'ordinal' | 'frame' | 'timestamp';
  /** For `timestamp`: maximum difference of the times in one event. */
  readonly toleranceMs?: number;
  /** How long to wait for a frame of another source. */
  readonly waitMs?: number;
  readonly as?: 'stack' | 'list';
}

/**
 * Combines the frames of one event, one from each entry of `from`; the stage aligns them first (`join-inputs.ts`).
 * `stack` makes one frame `[inputs, ...shape]` of their dtype, in the order of `from`; `list` passes the first on
 * unchanged, with all in `frame.joined`.
 * @throws ERR_CONFIG_INVALID without a tolerance for `timestamp`, or with one elsewhere, and where a stack is known to
 * be impossible; ERR_OPERATOR_INPUT for a stack of frames that differ in dtype or shape
 */
export const join = defineOperator<JoinParams>({
  type: 'join',
  description: 'Joins the frames of one event, from branches of one source or from several sources.',
  docs: {
    example: `version: 1
sources:
  detector: { type: sim, pattern: spots, shape: [64, 64], frames: 4 }
stages:
  dim: { from: detector, operators: [{ type: threshold, above: 50 }] }
  bright: { from: detector, operators: [{ type: threshold, below: 50 }] }
  both: { from: [dim, bright], operators: [{ type: join, by: ordinal }] }
sinks:
  result: { type: print, from: both }`,
    errors: {
      ERR_CONFIG_INVALID: '`toleranceMs` is missing for `timestamp`, or set for another, or a stack of these frames is not possible',
      ERR_OPERATOR_INPUT: 'the frames of a stack differ in dtype or shape',
    },
  },
  stateful: true,
  updates: ['toleranceMs', 'waitMs'],
  parameters: {
    type: 'object',
    additionalProperties: false,
    required: ['by'],
    properties: {
      by: {
        enum: ['ordinal', 'frame', 'timestamp'],
        description:
          'what the frames of one event have in common: `ordinal` (branches of one source), `frame` (the number from the sender) or `timestamp`',
      },
      toleranceMs: { type: 'number', minimum: 0, description: 'for `timestamp`: largest difference between the times of one event' },
      waitMs: {
        type: 'integer',
        minimum: 0,
        maximum: 86_400_000,
        default: 1000,
        description: 'longest time to wait for a frame of another source',
      },
      as: {
        enum: ['stack', 'list'],
        default: 'stack',
        description:
          'one frame [inputs, ...shape], or the first frame unchanged, with all in frame.joined for the next operator of the stage',
      },
    },
  },
  prepare({ by, toleranceMs, as }, { from = [], shape, dtype, maxInputBytes }) {
    if (by === 'timestamp' && toleranceMs === undefined) throw new MillraceError('ERR_CONFIG_INVALID', 'join: timestamp needs toleranceMs');
    if (by !== 'timestamp' && toleranceMs !== undefined) throw new MillraceError('ERR_CONFIG_INVALID', 'join: toleranceMs needs timestamp');
    if (as === 'list') return { shape: from[0]?.shape, dtype: from[0]?.dtype, maxOutputBytes: 0 };
    requireAlike(from);
    if (shape && shape.length >= MAX_DIMENSIONS)
      throw new MillraceError(
        'ERR_CONFIG_INVALID',
        `join: cannot stack frames of shape [${shape}], the maximum is ${MAX_DIMENSIONS} dimensions`,
      );
    const most = from.reduce((sum, { chained }) => sum + chained, 0);
    const maxOutputBytes = most * (shape && dtype ? byteLength(dtype, shape) : maxInputBytes);
    return { shape: shape && most === from.length ? [most, ...shape] : undefined, dtype, maxOutputBytes, passes: false };
  },
  create({ as }) {
    if (as === 'list') return { process: (frame, out) => out.emit(frame) };
    return {
      process(frame, out) {
        const { joined = [frame], dtype, shape } = frame;
        for (const one of joined) requireSame(frame, one);
        const stack = out.create({ dtype, shape: [joined.length, ...shape] });
        let at = 0;
        for (const { bytes } of joined) {
          stack.bytes.set(bytes, at);
          at += bytes.length;
        }
        out.emit(stack);
      },
    };
  },
});

function requireAlike(from: readonly KnownFrames[]): void {
  const shapes = new Set(from.flatMap(({ shape }) => (shape ? [`[${shape}]`] : [])));
  const dtypes = new Set(from.flatMap(({ dtype }) => (dtype ? [dtype] : [])));
  if (shapes.size > 1 || dtypes.size > 1)
    throw new MillraceError(
      'ERR_CONFIG_INVALID',
      `join: cannot stack frames of ${[...dtypes, ...shapes].join(', ')}; as: list accepts them`,
    );
}

function requireSame(first: Frame, other: Frame): void {
  const sameShape = other.shape.length === first.shape.length && other.shape.every((side, i) => side === first.shape[i]);
  if (other.dtype === first.dtype && sameShape) return;
  throw new MillraceError(
    'ERR_OPERATOR_INPUT',
    `join: cannot stack ${first.dtype} [${first.shape}] of '${first.source}' and ${other.dtype} [${other.shape}] of '${other.source}'`,
  );
}
