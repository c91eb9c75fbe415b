import { MillraceError } from '../errors/errors.js';
import type { Frame } from '../frame/frame.js';

/** Refuses what kernels do not take: opaque bytes and 64-bit integers. */
export function requireNumeric(type: string, frame: Frame): void {
  const { dtype } = frame;
  if (dtype === 'bytes' || dtype === 'int64' || dtype === 'uint64') {
    throw new MillraceError('ERR_OPERATOR_INPUT', `${type}: a frame of dtype ${dtype} cannot be taken`);
  }
}

/** Refuses a frame of another shape than the one planned for. */
export function requireShape(type: string, frame: Frame, shape: readonly number[]): void {
  const given = frame.shape;
  let same = given.length === shape.length;
  for (let axis = 0; same && axis < shape.length; axis++) same = given[axis] === shape[axis];
  if (!same) throw new MillraceError('ERR_OPERATOR_INPUT', `${type}: the frame is ${given.join('×')}, expected is ${shape.join('×')}`);
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
