import { widenFloat16 } from '../../codecs/float16.js';
import { MillraceError } from '../../errors/errors.js';
import { type DType, itemSize } from '../../frame/dtype.js';
import { itemsOf } from './box.js';
import { chooseDatasets, frameShape, type Part } from './choose-datasets.js';
import { damaged, NotUnderstood } from './damaged.js';
import type { OpenLibraryFile } from './library-file.js';
import { type OpenArray, openArray } from './open-array.js';
import { FileFamily } from './open-file.js';

/** Datasets as a row of frames: the last two dimensions are one frame, those before are counted in C order. */
export interface Hdf5Frames {
  readonly dtype: DType;
  /** Of one frame. */
  readonly shape: readonly number[];
  readonly count: number;
  /** One frame, little-endian, in C order; valid until the next call. Throws ERR_FORMAT that names dataset and frame. */
  read(index: number): Uint8Array;
  close(): void;
}

const MAX_FRAME_BYTES = 2 ** 31;

/**
 * Finds the frames of a file; see `chooseDatasets` for the selection. Throws ERR_FORMAT, ERR_CONFIG_INVALID, or a file
 * system error.
 */
export function openFrames(file: string, dataset: string | undefined, openLibrary: OpenLibraryFile): Hdf5Frames {
  const family = new FileFamily(file, openLibrary);
  let parts: readonly Part[];
  try {
    parts = chooseDatasets(family, dataset);
  } catch (error) {
    throw explained(error);
  } finally {
    family.close();
  }
  const first = parts.find((part) => 'info' in part);
  if (!first || !('info' in first)) throw damaged('none of the datasets can be read');
  const { info } = first;
  if (info.shape.length < 1) throw damaged(`${first.name} is one number, not an image`);
  const shape = frameShape(info.shape);
  const frameItems = itemsOf(shape);
  const storedBytes = frameItems * (info.half ? 2 : itemSize(info.dtype));
  if (!(storedBytes <= MAX_FRAME_BYTES))
    throw damaged(`a frame of ${first.name} has ${storedBytes} bytes, but the limit is ${MAX_FRAME_BYTES}`);
  // A part that is missing shows as one frame that cannot be read: how many it had is not known.
  const counts = parts.map((part) => ('info' in part ? itemsOf(part.info.shape.slice(0, -shape.length)) : 1));
  const count = counts.reduce((sum, frames) => sum + frames, 0);
  if (!Number.isSafeInteger(count)) throw damaged(`${first.name} has more frames than can be counted`);

  const stored = new Uint8Array(storedBytes);
  const widened = info.half ? new Float32Array(frameItems) : undefined;
  let open: { readonly part: number; readonly array: OpenArray } | undefined;
  const arrayOf = (number: number, part: Extract<Part, { info: unknown }>): OpenArray => {
    if (open?.part === number) return open.array;
    open?.array.close();
    open = undefined;
    open = { part: number, array: openArray(part.place, openLibrary) };
    return open.array;
  };
  const only = parts.length === 1;
  try {
    // Errors of the whole dataset are reported at once, not once per frame.
    if ('info' in parts[0]!) arrayOf(0, parts[0]);
  } catch (error) {
    if (only) throw explained(error, `the dataset ${first.name} cannot be read`);
  }

  return {
    dtype: info.dtype,
    shape,
    count,
    read(index) {
      let number = 0;
      let within = index;
      while (within >= counts[number]!) within -= counts[number++]!;
      const part = parts[number]!;
      if (!('info' in part)) throw damaged(`the frames of ${part.name} cannot be read: ${part.missing.replace(/^hdf5: /, '')}`);
      try {
        const array = arrayOf(number, part);
        const start = placeOfFrame(within, array.shape, shape.length);
        array.readBox([...start, ...shape.map(() => 0)], [...start.map(() => 1), ...shape], stored);
        if (!widened) return stored;
        widenFloat16(new Uint16Array(stored.buffer), widened);
        return new Uint8Array(widened.buffer);
      } catch (error) {
        throw explained(error, `frame ${within} of ${part.name} cannot be read`);
      }
    },
    close() {
      open?.array.close();
      open = undefined;
    },
  };
}

function placeOfFrame(index: number, shape: readonly number[], frameRank: number): number[] {
  const place: number[] = [];
  for (let dimension = shape.length - frameRank - 1, left = index; dimension >= 0; dimension--) {
    place.unshift(left % shape[dimension]!);
    left = Math.floor(left / shape[dimension]!);
  }
  return place;
}

/** Every failure as a coded error in words of the file, with the library's own words as its cause. */
function explained(error: unknown, what = ''): unknown {
  const prefix = what ? `${what}: ` : '';
  if (error instanceof MillraceError) {
    if (error.code !== 'ERR_FORMAT' || what === '') return error;
    return damaged(prefix + error.message.replace(/^hdf5: /, ''), error);
  }
  if (error instanceof NotUnderstood) return damaged(`${prefix}${error.message} is not supported`, error);
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (typeof code === 'string' && code.startsWith('E')) return damaged(`${prefix}${(error as Error).message}`, error);
  return damaged(`${prefix}the HDF5 library cannot read it; it is damaged, or still being written`, error);
}
