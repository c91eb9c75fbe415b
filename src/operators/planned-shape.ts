import { MillraceError } from '../errors/errors.js';

/** JSON Schema of the parameter `shape: [height, width]`. */
export const SHAPE_SCHEMA = {
  type: 'array',
  items: { type: 'integer', minimum: 1, maximum: 1_000_000 },
  minItems: 1,
  maxItems: 4,
  description: 'shape of the input frames, [height, width], if neither the source nor a file gives it',
};

export interface ShapeClaim {
  /** The origin of the shape, for messages. */
  readonly from: string;
  readonly shape: readonly number[] | undefined;
}

const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((side, axis) => side === b[axis]);

/**
 * The shape on which all claims that know one agree. Throws ERR_CONFIG_INVALID when two differ, or when none is known;
 * `how` explains how to give it.
 */
export function plannedShape(type: string, claims: readonly ShapeClaim[], how: string): readonly number[] {
  const known = claims.filter((claim) => claim.shape !== undefined);
  const [first, ...others] = known;
  if (!first) throw new MillraceError('ERR_CONFIG_INVALID', `${type}: the shape of the frames is not known: ${how}`);
  for (const other of others) {
    if (!sameShape(first.shape!, other.shape!)) {
      throw new MillraceError(
        'ERR_CONFIG_INVALID',
        `${type}: ${first.from} is ${first.shape!.join('×')}, but ${other.from} is ${other.shape!.join('×')}`,
      );
    }
  }
  return first.shape!;
}
