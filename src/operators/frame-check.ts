import { MillraceError } from '../errors/errors.js';
import type { DType } from '../frame/dtype.js';
import type { Frame } from '../frame/frame.js';

/** Refuses opaque bytes, where the dtype is known when the pipeline is planned. */
export function requireKnownNumeric(type: string, dtype: DType | undefined): void {
  if (dtype === 'bytes')
    throw new MillraceError('ERR_CONFIG_INVALID', `${type}: frames of dtype bytes cannot be taken: they have no numbers`);
}

/** Refuses a frame of another shape than the one planned for. */
export function requireShape(type: string, frame: Frame, shape: readonly number[]): void {
  const given = frame.shape;
  let same = given.length === shape.length;
  for (let axis = 0; same && axis < shape.length; axis++) same = given[axis] === shape[axis];
  if (!same) throw new MillraceError('ERR_OPERATOR_INPUT', `${type}: the frame is ${given.join('×')}, expected is ${shape.join('×')}`);
}

/** Refuses what is no image, where the shape is known when the pipeline is planned. */
export function requireKnownImage(type: string, shape: readonly number[] | undefined): void {
  if (shape && shape.length !== 2)
    throw new MillraceError(
      'ERR_CONFIG_INVALID',
      `${type}: the frames are ${shape.join('×') || 'scalars'}, expected are images [height, width]`,
    );
}

/** Refuses a frame that is not an image: two axes, none empty. */
export function requireImage(type: string, frame: Frame): void {
  const { shape } = frame;
  if (shape.length !== 2 || !(shape[0]! > 0 && shape[1]! > 0)) {
    throw new MillraceError(
      'ERR_OPERATOR_INPUT',
      `${type}: the frame is ${shape.join('×') || 'a scalar'}, expected is an image [height, width]`,
    );
  }
}
