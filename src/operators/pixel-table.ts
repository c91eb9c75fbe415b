import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { readCbf } from '../codecs/cbf.js';
import type { DenseArray } from '../codecs/dense-array.js';
import { readEdf } from '../codecs/edf.js';
import { formatError, itemsFromBytes } from '../codecs/file-bytes.js';
import { fileKind, showStart, UNREAD } from '../codecs/file-kind.js';
import { readNpy } from '../codecs/npy.js';
import { readTiff } from '../codecs/tiff.js';
import { asMillraceError, MillraceError } from '../errors/errors.js';
import type { DType, TypedArray } from '../frame/dtype.js';
import { dataRange } from '../frame/no-data.js';

/** Maximum size of a table after gunzip, so that a small hostile file cannot fill the memory. */
const MAX_TABLE_BYTES = 1 << 30;
/** Separates the path of an HDF5 file from a dataset in it: `mask.h5::/entry/mask`. */
const DATASET_MARK = '::';

/** Usual names of table datasets, by operator. Without them, a file with images and a mask would return the images. */
const USUAL_NAMES: Readonly<Record<string, readonly string[]>> = {
  mask: ['mask', 'pixel_mask'],
  'subtract-dark': ['dark', 'background'],
  'correct-flat': ['flat', 'flatfield', 'flat_field'],
};

export interface PixelTable {
  readonly path: string;
  /** Removes leading dimensions of 1: a single image in a stack is an image. */
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly data: TypedArray;
}

/**
 * Reads a table with one value per pixel. The first bytes of the file determine its format: NPY, EDF, TIFF, CBF or
 * HDF5, each also in gzip. `file` may name the dataset of an HDF5 file, as in `mask.h5::/entry/mask`. Throws
 * ERR_CONFIG_FILE when it is missing or not such a file.
 */
export async function readPixelTable(type: string, file: string, baseDir: string): Promise<PixelTable> {
  const mark = file.lastIndexOf(DATASET_MARK);
  const path = resolve(baseDir, mark < 0 ? file : file.slice(0, mark));
  try {
    const { dtype, shape, data } = await readTable(
      type,
      path,
      await readFile(path),
      mark < 0 ? undefined : file.slice(mark + DATASET_MARK.length),
    );
    let lead = 0;
    while (lead < shape.length - 2 && shape[lead] === 1) lead++;
    return { path, shape: shape.slice(lead), dtype, data };
  } catch (error) {
    const cause = asMillraceError(error, 'ERR_CONFIG_FILE');
    throw new MillraceError('ERR_CONFIG_FILE', `${type}: ${path}: ${cause.message}`, { cause: error });
  }
}

async function readTable(type: string, path: string, stored: Uint8Array, dataset: string | undefined): Promise<DenseArray> {
  const packed = fileKind(stored) === 'gzip';
  const bytes = packed ? unpack(stored) : stored;
  const kind = fileKind(bytes);
  if (kind === 'hdf5') return packed ? readPackedHdf5(type, bytes, dataset) : readHdf5(type, path, dataset);
  if (dataset !== undefined) throw formatError('file', `the file is not HDF5, so it has no dataset ${JSON.stringify(dataset)}`);
  if (kind === 'npy') return readNpy(bytes);
  if (kind === 'tiff') return readTiff(bytes);
  if (kind === 'cbf') return readCbf(bytes);
  if (kind === 'edf') return readEdf(bytes);
  const known = kind !== undefined && Object.hasOwn(UNREAD, kind) ? UNREAD[kind as keyof typeof UNREAD] : undefined;
  throw formatError('file', known ?? `${showStart(bytes)}: the format is not NPY, EDF, TIFF, CBF or HDF5, nor one of these in gzip`);
}

function unpack(packed: Uint8Array): Uint8Array {
  try {
    return gunzipSync(packed, { maxOutputLength: MAX_TABLE_BYTES });
  } catch (error) {
    throw formatError('gzip', `the file does not unpack to at most ${MAX_TABLE_BYTES} bytes`, error);
  }
}

async function readHdf5(type: string, path: string, dataset: string | undefined): Promise<DenseArray> {
  // Loaded on demand: every worker loads the operators, and only the main thread reads tables.
  const { openHdf5Frames } = await import('../transports/h5wasm.js');
  const frames = dataset === undefined ? await openTable(openHdf5Frames, type, path) : await openHdf5Frames(path, dataset);
  try {
    const { dtype, shape, count } = frames;
    if (count !== 1) throw formatError('hdf5', `the dataset has ${count} images, but a table is one image`);
    // A copy, because the reader reuses its memory.
    return { dtype, shape, data: itemsFromBytes(dtype, frames.read(0), false) };
  } finally {
    frames.close();
  }
}

type Open = typeof import('../transports/h5wasm.js').openHdf5Frames;

/** The dataset with a usual name for the operator's table; otherwise the dataset of the file's images. */
async function openTable(open: Open, type: string, path: string): ReturnType<Open> {
  for (const group of ['/', '/entry/', '/entry/instrument/detector/', '/entry/instrument/detector/detectorSpecific/']) {
    for (const name of USUAL_NAMES[type] ?? []) {
      try {
        return await open(path, group + name);
      } catch (error) {
        if (!(error instanceof MillraceError && error.code === 'ERR_CONFIG_INVALID')) throw error;
      }
    }
  }
  return open(path);
}

/** The library reads HDF5 only from files. */
async function readPackedHdf5(type: string, bytes: Uint8Array, dataset: string | undefined): Promise<DenseArray> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-table-'));
  try {
    const path = join(folder, 'table.h5');
    await writeFile(path, bytes);
    return await readHdf5(type, path, dataset);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * The values of a table as float32, the form of corrections in shared memory. With `noData`, an integer that means no
 * data becomes NaN.
 */
export function toFloat32({ dtype, data }: Pick<PixelTable, 'dtype' | 'data'>, noData: boolean): Float32Array {
  const [lowest, highest] = dataRange(dtype, noData);
  const isFloat = dtype === 'float32' || dtype === 'float64';
  const values = new Float32Array(data.length);
  for (let i = 0; i < values.length; i++) {
    const value = Number(data[i]);
    values[i] = isFloat || (value >= lowest && value <= highest) ? value : Number.NaN;
  }
  return values;
}

/**
 * One byte per pixel, 1 where the table is not zero. NaN counts as masked. A table already in this form is returned
 * unchanged.
 */
export function toMask(data: TypedArray): Uint8Array {
  if (data instanceof Uint8Array && holdsOnlyBits(data)) return data;
  const mask = new Uint8Array(data.length);
  for (let i = 0; i < mask.length; i++) mask[i] = Number(data[i]) === 0 ? 0 : 1;
  return mask;
}

/** Whether every byte is 0 or 1; four at a time, because the main thread does this while a pipeline runs. */
function holdsOnlyBits(bytes: Uint8Array): boolean {
  const { buffer, byteOffset, length } = bytes;
  const isAligned = byteOffset % 4 === 0;
  const words = isAligned ? new Uint32Array(buffer, byteOffset, length >>> 2) : [];
  let all = 0;
  for (let i = 0; i < words.length; i++) all |= words[i]!;
  for (let i = 4 * words.length; i < length; i++) all |= bytes[i]!;
  return (all & 0xfe_fe_fe_fe) === 0;
}
