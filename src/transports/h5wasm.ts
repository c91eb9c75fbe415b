import type { Dataset, File } from 'h5wasm/node';
import { formatError } from '../codecs/file-bytes.js';
import { asMillraceError, MillraceError } from '../errors/errors.js';
import { type DType, dtypeOf, type TypedArray } from '../frame/dtype.js';
import { loadOptional } from './load-optional.js';

/** A dataset as a row of frames: 3 and 4 dimensions are a stack along the first, 1 and 2 are one frame. */
export interface Hdf5Frames {
  readonly dtype: DType;
  /** Of one frame. */
  readonly shape: readonly number[];
  readonly count: number;
  /** One frame, read from the file by itself. Throws ERR_FORMAT. */
  read(index: number): TypedArray;
  close(): void;
}

/** Filters that h5wasm itself undoes: deflate, shuffle, fletcher32, nbit, scaleoffset. */
const BUILT_IN_FILTERS: ReadonlySet<number> = new Set([1, 2, 3, 5, 6]);
const INTEGER = 0;
const FLOAT = 1;

const refuse = (detail: string, cause?: unknown) => formatError('hdf5', detail, cause);

async function load() {
  const h5wasm = await loadOptional('h5wasm', () => import('h5wasm/node'));
  // Without this, a chunk that cannot be read leaves stale memory in the result, and a report on stderr.
  (await h5wasm.ready).activate_throwing_error_handler();
  return h5wasm;
}

/**
 * Opens one dataset of an HDF5 file. Without a name the only dataset of numbers with two or more dimensions is taken.
 * Throws ERR_FORMAT for a file, type or filter that cannot be read, ERR_CONFIG_INVALID for a dataset that is not there.
 */
export async function openHdf5Frames(path: string, dataset?: string): Promise<Hdf5Frames> {
  const h5wasm = await load();
  let file: File;
  try {
    file = new h5wasm.File(path, 'r');
  } catch (error) {
    throw refuse('the file cannot be opened', error);
  }
  try {
    return framesOf(file, find(file, dataset ?? onlyImage(file)));
  } catch (error) {
    file.close();
    throw asMillraceError(error, 'ERR_FORMAT', 'hdf5');
  }
}

const isDataset = (entity: unknown): entity is Dataset => typeof entity === 'object' && entity !== null && 'filters' in entity;

function find(file: File, name: string): Dataset {
  const entity: unknown = file.get(name);
  if (!isDataset(entity))
    throw new MillraceError(
      'ERR_CONFIG_INVALID',
      `there is no dataset ${JSON.stringify(name)} in the file: ${imagePaths(file).join(', ')}`,
    );
  return entity;
}

function imagePaths(file: File): string[] {
  return file.paths().filter((name) => {
    const entity: unknown = file.get(name);
    return isDataset(entity) && (entity.shape?.length ?? 0) >= 2 && (entity.metadata.type === INTEGER || entity.metadata.type === FLOAT);
  });
}

function onlyImage(file: File): string {
  const names = imagePaths(file);
  if (names.length !== 1)
    throw new MillraceError('ERR_CONFIG_INVALID', `name the dataset; the file has ${names.length > 0 ? names.join(', ') : 'no images'}`);
  return names[0]!;
}

function framesOf(file: File, dataset: Dataset): Hdf5Frames {
  const { metadata, shape: sides } = dataset;
  for (const filter of dataset.filters) {
    if (!BUILT_IN_FILTERS.has(filter.id)) throw refuse(`the filter ${filter.name || 'without a name'} (${filter.id}) is not read`);
  }
  if (!sides || sides.length < 1 || sides.length > 4) throw refuse(`a dataset of ${sides?.length ?? 0} dimensions`);
  const dtype = dtypeOfMetadata(metadata);
  const stacked = sides.length > 2;
  const shape = stacked ? sides.slice(1) : sides;
  const items = shape.reduce((product, side) => product * side, 1);

  return {
    dtype,
    shape,
    count: stacked ? sides[0]! : 1,
    read(index) {
      let data: unknown;
      try {
        data = dataset.slice(stacked ? [[index, index + 1], ...shape.map((): [] => [])] : shape.map((): [] => []));
      } catch (error) {
        throw refuse(`frame ${index} cannot be read`, error);
      }
      if (!ArrayBuffer.isView(data) || dtypeOf(data as TypedArray) !== dtype || (data as TypedArray).length !== items) {
        throw refuse(`frame ${index} is not ${items} items of ${dtype}`);
      }
      return data as TypedArray;
    },
    close: () => {
      file.close();
    },
  };
}

function dtypeOfMetadata(metadata: { type: number; size: number; signed: boolean }): DType {
  const bits = metadata.size * 8;
  if (metadata.type === INTEGER && [8, 16, 32, 64].includes(bits)) return `${metadata.signed ? 'int' : 'uint'}${bits}` as DType;
  if (metadata.type === FLOAT && (bits === 32 || bits === 64)) return `float${bits}`;
  throw refuse(`a type of class ${metadata.type} with ${bits} bits is not read`);
}
