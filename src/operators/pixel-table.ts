import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { readNpy } from '../codecs/npy.js';
import { asMillraceError, MillraceError } from '../errors/errors.js';
import type { DType, TypedArray } from '../frame/dtype.js';

/** Largest table after gunzip, so that a small hostile file cannot fill the memory. */
const MAX_TABLE_BYTES = 1 << 30;

export interface PixelTable {
  readonly path: string;
  /** Without leading sides of 1: a single image in a stack is an image. */
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly data: TypedArray;
}

/**
 * Reads a table with one value per pixel from `.npy` or `.npy.gz`.
 * Throws ERR_CONFIG_FILE when it is missing or not such a file.
 */
export async function readPixelTable(type: string, file: string, baseDir: string): Promise<PixelTable> {
  const path = resolve(baseDir, file);
  try {
    const stored = await readFile(path);
    const bytes = path.endsWith('.gz') ? gunzipSync(stored, { maxOutputLength: MAX_TABLE_BYTES }) : stored;
    const { dtype, shape, data } = readNpy(bytes);
    let lead = 0;
    while (lead < shape.length - 2 && shape[lead] === 1) lead++;
    return { path, shape: shape.slice(lead), dtype, data };
  } catch (error) {
    const cause = asMillraceError(error, 'ERR_CONFIG_FILE');
    throw new MillraceError('ERR_CONFIG_FILE', `${type}: ${path}: ${cause.message}`, { cause: error });
  }
}

/** The values of a table as float32, which is how corrections are kept in shared memory. */
export function toFloat32(data: TypedArray): Float32Array {
  const values = new Float32Array(data.length);
  for (let i = 0; i < values.length; i++) values[i] = Number(data[i]);
  return values;
}

/** One byte per pixel, 1 where the table is not zero. NaN counts as masked. A table that is so already is given back. */
export function toMask(data: TypedArray): Uint8Array {
  if (data instanceof Uint8Array && holdsOnlyBits(data)) return data;
  const mask = new Uint8Array(data.length);
  for (let i = 0; i < mask.length; i++) mask[i] = Number(data[i]) === 0 ? 0 : 1;
  return mask;
}

/** Whether every byte is 0 or 1; four at a time, for the main thread does this while a pipeline runs. */
function holdsOnlyBits(bytes: Uint8Array): boolean {
  const { buffer, byteOffset, length } = bytes;
  const isAligned = byteOffset % 4 === 0;
  const words = isAligned ? new Uint32Array(buffer, byteOffset, length >>> 2) : [];
  let all = 0;
  for (let i = 0; i < words.length; i++) all |= words[i]!;
  for (let i = 4 * words.length; i < length; i++) all |= bytes[i]!;
  return (all & 0xfe_fe_fe_fe) === 0;
}
