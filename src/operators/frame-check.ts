import { MillraceError } from '../errors/errors.js';
import type { DType } from '../frame/dtype.js';
import type { Frame } from '../frame/frame.js';

/** Refuses opaque bytes, if the dtype is known when the pipeline is planned. */
export function requireKnownNumeric(type: string, dtype: DType | undefined): void {
  if (dtype === 'bytes')
    throw new MillraceError('ERR_CONFIG_INVALID', `${type}: cannot process frames of dtype bytes, which have no numbers`);
}

/** Refuses a frame whose shape differs from the planned one. */
export function requireShape(type: string, frame: Frame, shape: readonly number[]): void {
  const given = frame.shape;
  let same = given.length === shape.length;
  for (let axis = 0; same && axis < shape.length; axis++) same = given[axis] === shape[axis];
  if (!same) throw new MillraceError('ERR_OPERATOR_INPUT', `${type}: the frame is ${given.join('×')}, expected ${shape.join('×')}`);
}

/** Refuses shapes that are not images, if the shape is known when the pipeline is planned. */
export function requireKnownImage(type: string, shape: readonly number[] | undefined): void {
  if (shape && shape.length !== 2)
    throw new MillraceError(
      'ERR_CONFIG_INVALID',
      `${type}: expected images [height, width], but the frames are ${shape.join('×') || 'scalars'}`,
    );
}

/** Refuses a frame that is not an image: two axes, neither empty. */
export function requireImage(type: string, frame: Frame): void {
  const { shape } = frame;
  if (shape.length !== 2 || !(shape[0]! > 0 && shape[1]! > 0)) {
    throw new MillraceError(
      'ERR_OPERATOR_INPUT',
      `${type}: expected an image [height, width], but the frame is ${shape.join('×') || 'a scalar'}`,
    );
  }
}
