import { MillraceError } from '../errors/errors.js';

/** A region of an image in pixels: first included, last excluded, on each axis. */
export interface Region {
  readonly y: readonly [number, number];
  readonly x: readonly [number, number];
}

const AXIS = { type: 'array', items: { type: 'integer', minimum: 0 }, minItems: 2, maxItems: 2 };

/** JSON Schema of a region. */
export const REGION_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['y', 'x'],
  properties: {
    y: { ...AXIS, description: 'first row, and the row after the last' },
    x: { ...AXIS, description: 'first column, and the column after the last' },
  },
  description: 'a region in pixels, such as { y: [0, 100], x: [20, 40] }',
};

/** Refuses an empty region and a region that extends beyond the frame. */
export function requireRegion(
  code: 'ERR_CONFIG_INVALID' | 'ERR_OPERATOR_INPUT',
  type: string,
  name: string,
  region: Region,
  shape: readonly number[] | undefined,
): void {
  const { y, x } = region;
  const text = `y ${y[0]}..${y[1]}, x ${x[0]}..${x[1]}`;
  if (!(y[0] < y[1] && x[0] < x[1])) throw new MillraceError(code, `${type}: region ${name} (${text}) is empty`);
  if (shape && (shape.length !== 2 || y[1] > shape[0]! || x[1] > shape[1]!)) {
    throw new MillraceError(code, `${type}: region ${name} (${text}) extends beyond a frame of ${shape.join('×')}`);
  }
}
