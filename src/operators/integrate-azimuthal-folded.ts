import { MillraceError } from '../errors/errors.js';
import { NO_LOWER_LIMIT, NO_UPPER_LIMIT } from '../kernels/scalar/integrate-azimuthal.js';
import type { PrepareContext } from './operator.js';
import type { PixelTable } from './pixel-table.js';
import { readPixelTable, toFloat32, toMask } from './pixel-table.js';
import type { ShapeClaim } from './planned-shape.js';

/** The effect of the operators before an integration. */
export interface Folded {
  readonly claims: readonly ShapeClaim[];
  mask: Uint8Array | undefined;
  dark: Float32Array | undefined;
  flat: Float32Array | undefined;
  below: number;
  above: number;
  /** Whether to exclude integers that mean no data: not when an operator says `noData: false`. */
  noData: boolean;
}

type Combine = (before: number, next: number) => number;

function merge<T extends Uint8Array | Float32Array>(before: T | undefined, next: T, combine: Combine): T {
  if (!before) return next;
  // Tables of unequal length are refused later by their shapes.
  for (let i = 0; i < next.length; i++) next[i] = combine(before[i] ?? 0, next[i]!);
  return next;
}

/**
 * Combines masks (union), darks (sum) and flats (product). Operators whose meaning would change inside the integration
 * are refused with ERR_CONFIG_INVALID: a dark after a flat, and limits of a mask after a dark or flat.
 */
export async function gatherFolded(context: PrepareContext, noData: boolean): Promise<Folded> {
  const claims: ShapeClaim[] = [];
  const folded: Folded = {
    claims,
    mask: undefined,
    dark: undefined,
    flat: undefined,
    below: NO_LOWER_LIMIT,
    above: NO_UPPER_LIMIT,
    noData,
  };
  const read = async (type: string, file: unknown): Promise<PixelTable> => {
    const table = await readPixelTable(type, String(file), context.baseDir);
    claims.push({ from: table.path, shape: table.shape });
    return table;
  };
  for (const { type, params } of context.folded) {
    if (params.noData === false) folded.noData = false;
    if (type === 'mask') {
      if (params.below !== undefined || params.above !== undefined) {
        if (folded.dark || folded.flat) throw misplaced('a mask with below or above', 'subtract-dark and correct-flat');
        folded.below = Math.max(folded.below, Number(params.below ?? NO_LOWER_LIMIT));
        folded.above = Math.min(folded.above, Number(params.above ?? NO_UPPER_LIMIT));
      }
      if (params.file !== undefined) folded.mask = merge(folded.mask, toMask((await read(type, params.file)).data), (a, b) => a | b);
    } else if (type === 'subtract-dark') {
      if (folded.flat) throw misplaced('subtract-dark', 'correct-flat');
      folded.dark = merge(folded.dark, toFloat32(await read(type, params.file), params.noData !== false), (a, b) => a + b);
    } else if (type === 'correct-flat') {
      folded.flat = merge(folded.flat, toFloat32(await read(type, params.file), params.noData !== false), (a, b) => a * b);
    } else {
      throw new MillraceError('ERR_CONFIG_INVALID', `integrate-azimuthal: ${type} cannot be folded into it`);
    }
  }
  return folded;
}

function misplaced(what: string, where: string): MillraceError {
  return new MillraceError('ERR_CONFIG_INVALID', `integrate-azimuthal: place ${what} before ${where}`);
}
