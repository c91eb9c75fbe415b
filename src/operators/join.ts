import { MillraceError } from '../errors/errors.js';
import { byteLength, MAX_DIMENSIONS } from '../frame/dtype.js';
import { defineOperator, type Frame, type KnownFrames } from './operator.js';

export interface JoinParams {
  /** What frames of one event have in common: `ordinal` (branches of one source), the sender's number (`frame`), or the time. */
  readonly by: 'ordinal' | 'frame' | 'timestamp';
  /** Of `timestamp`: most that the times of one event may differ. */
  readonly toleranceMs?: number;
  /** How long a frame of another source is waited for. */
  readonly waitMs?: number;
  readonly as?: 'stack' | 'list';
}

/**
 * Brings together the frames of one event, one from each entry of `from`; the stage aligns them before (`join-inputs.ts`).
 * `stack` makes one frame `[inputs, ...shape]` of their dtype, in the order of `from`; `list` hands the first on as it is,
 * with all in `frame.joined`.
 * @throws ERR_CONFIG_INVALID without a tolerance for `timestamp`, or with one elsewhere, and where it is known that a stack
 * is impossible; ERR_OPERATOR_INPUT for a stack of frames that differ in dtype or shape
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
          'one frame [inputs, ...shape], or the first frame as it is, for the next operator of the stage, with all in frame.joined',
      },
    },
  },
  prepare({ by, toleranceMs, as }, { from = [], shape, dtype, maxInputBytes }) {
    if (by === 'timestamp' && toleranceMs === undefined) throw new MillraceError('ERR_CONFIG_INVALID', 'join: timestamp needs toleranceMs');
    if (by !== 'timestamp' && toleranceMs !== undefined)
      throw new MillraceError('ERR_CONFIG_INVALID', 'join: toleranceMs goes with timestamp only');
    if (as === 'list') return { shape: from[0]?.shape, dtype: from[0]?.dtype, maxOutputBytes: 0 };
    requireAlike(from);
    if (shape && shape.length >= MAX_DIMENSIONS)
      throw new MillraceError(
        'ERR_CONFIG_INVALID',
        `join: frames of shape [${shape}] cannot be stacked, there are at most ${MAX_DIMENSIONS} sides`,
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
      `join: frames of ${[...dtypes, ...shapes].join(', ')} cannot be stacked: as: list takes them`,
    );
}

function requireSame(first: Frame, other: Frame): void {
  const sameShape = other.shape.length === first.shape.length && other.shape.every((side, i) => side === first.shape[i]);
  if (other.dtype === first.dtype && sameShape) return;
  throw new MillraceError(
    'ERR_OPERATOR_INPUT',
    `join: ${first.dtype} [${first.shape}] of '${first.source}' and ${other.dtype} [${other.shape}] of '${other.source}' cannot be stacked`,
  );
}
