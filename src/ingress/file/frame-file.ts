import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { readCbf } from '../../codecs/cbf.js';
import type { DenseArray } from '../../codecs/dense-array.js';
import { formatError } from '../../codecs/file-bytes.js';
import { npyDataOffset, readNpy, readNpyHeader } from '../../codecs/npy.js';
import { readTiff } from '../../codecs/tiff.js';
import { type DType, itemCount, itemSize } from '../../frame/dtype.js';
import { openHdf5Frames } from '../../transports/h5wasm.js';

/** A file as a row of frames of one shape. */
export interface FrameFile {
  readonly dtype: DType;
  /** Of one frame. */
  readonly shape: readonly number[];
  readonly count: number;
  /** The bytes of one frame, C order, little-endian; valid until the next call. Throws ERR_FORMAT. */
  read(index: number): Promise<Uint8Array> | Uint8Array;
  close(): Promise<void> | void;
}

/** Most bytes that a .gz file may become: a small file can hold any number of zeros. */
const MAX_UNZIPPED_BYTES = 2 ** 30;
const NPY_HEADER_BYTES = 4096;
const HDF5 = ['.h5', '.hdf5', '.nxs'];

const unzip = promisify<Uint8Array, { maxOutputLength: number }, Buffer>(gunzip);

/**
 * Opens a file of frames; its extension tells the format: HDF5 (.h5, .hdf5, .nxs), NPY, TIFF (.tif, .tiff) or CBF, the
 * last three also in gzip (.gz). Throws ERR_FORMAT, or what the file system throws.
 */
export async function openFrameFile(file: string, dataset?: string): Promise<FrameFile> {
  const extension = path.extname(file).toLowerCase();
  if (extension === '.bz2') throw formatError('file', 'bzip2 is not read: unpack the file with "bzip2 -d", or pack it with gzip');
  if (HDF5.includes(extension)) return openHdf5(file, dataset);
  if (extension === '.npy') return openNpy(file);
  if (extension !== '.gz') return frames(parse(extension, await readFile(file)));

  const inner = path.extname(file.slice(0, -extension.length)).toLowerCase();
  if (HDF5.includes(inner)) throw formatError('file', 'HDF5 within gzip is not read: unpack the file');
  let bytes: Uint8Array;
  try {
    bytes = await unzip(await readFile(file), { maxOutputLength: MAX_UNZIPPED_BYTES });
  } catch (error) {
    throw formatError('gzip', `the file cannot be unpacked to at most ${MAX_UNZIPPED_BYTES} bytes`, error);
  }
  return frames(parse(inner, bytes));
}

function parse(extension: string, bytes: Uint8Array): DenseArray {
  if (extension === '.npy') return readNpy(bytes);
  if (extension === '.tif' || extension === '.tiff') return readTiff(bytes);
  if (extension === '.cbf') return readCbf(bytes);
  throw formatError(
    'file',
    `the extension "${extension}" is not known (.h5, .hdf5, .nxs, .npy, .tif, .tiff, .cbf, and .gz of the last four)`,
  );
}

/** Up to two dimensions are one frame, more are a stack along the first. */
function frames({ dtype, shape: sides, data }: DenseArray): FrameFile {
  const stacked = sides.length > 2;
  const shape = stacked ? sides.slice(1) : sides;
  const frameBytes = itemCount(shape) * itemSize(dtype);
  return {
    dtype,
    shape,
    count: stacked ? sides[0]! : 1,
    read: (index) => new Uint8Array(data.buffer, data.byteOffset + index * frameBytes, frameBytes),
    close: () => {},
  };
}

async function openHdf5(file: string, dataset: string | undefined): Promise<FrameFile> {
  const stack = await openHdf5Frames(file, dataset);
  return {
    ...stack,
    read(index) {
      const data = stack.read(index);
      return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    },
  };
}

/** A stack in C order is read frame by frame; what must be turned round is read whole. */
async function openNpy(file: string): Promise<FrameFile> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const start = Buffer.alloc(Math.min(NPY_HEADER_BYTES, size));
    await handle.read(start, 0, start.length, 0);
    const whole = npyDataOffset(start) > start.length;
    const header = whole ? undefined : readNpyHeader(start);
    if (!header || header.bigEndian || header.fortranOrder || header.shape.length < 3) {
      const bytes = await handle.readFile();
      await handle.close();
      return frames(readNpy(bytes));
    }
    const { dtype, dataOffset, dataBytes } = header;
    if (size - dataOffset !== dataBytes) throw formatError('npy', `${dataBytes} bytes of items announced, ${size - dataOffset} found`);
    const shape = header.shape.slice(1);
    const frame = Buffer.alloc(itemCount(shape) * itemSize(dtype));
    return {
      dtype,
      shape,
      count: header.shape[0]!,
      async read(index) {
        const { bytesRead } = await handle.read(frame, 0, frame.length, dataOffset + index * frame.length);
        if (bytesRead !== frame.length) throw formatError('npy', `frame ${index} ends after ${bytesRead} of ${frame.length} bytes`);
        return frame;
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close().catch(() => {});
    throw error;
  }
}
