import { open, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { memorySource } from '../../codecs/byte-source.js';
import { openCbf } from '../../codecs/cbf.js';
import type { DenseArray } from '../../codecs/dense-array.js';
import { readEdf } from '../../codecs/edf.js';
import { formatError } from '../../codecs/file-bytes.js';
import { type FileKind, fileKind, KIND_BYTES, showStart, UNREAD } from '../../codecs/file-kind.js';
import { npyDataOffset, npyItems, readNpy, readNpyHeader } from '../../codecs/npy.js';
import { openTiff } from '../../codecs/tiff/open-tiff.js';
import type { MillraceError } from '../../errors/errors.js';
import { type DType, itemCount, itemSize } from '../../frame/dtype.js';
import { openHdf5Frames } from '../../transports/h5wasm.js';
import { FileSource } from './file-source.js';

/** A file as a sequence of frames of one shape. */
export interface FrameFile {
  readonly dtype: DType;
  /** Size of one frame. */
  readonly shape: readonly number[];
  readonly count: number;
  /** The bytes of one frame, C order, little-endian; valid until the next call. Throws ERR_FORMAT. */
  read(index: number): Promise<Uint8Array> | Uint8Array;
  close(): Promise<void> | void;
}

/** Maximum unpacked size of a .gz file: a small file can expand to any number of zeros. */
const MAX_UNZIPPED_BYTES = 2 ** 30;
const NPY_HEADER_BYTES = 4096;

const unzip = promisify<Uint8Array, { maxOutputLength: number }, Buffer>(gunzip);

/**
 * Opens a file of frames. Its first bytes, not its name, determine the format: HDF5, NPY, TIFF, CBF or EDF, the last
 * four also in gzip. Throws ERR_FORMAT or a file system error.
 */
export async function openFrameFile(file: string, dataset?: string): Promise<FrameFile> {
  const { start, kind } = await sniff(file);
  if (kind === 'hdf5') return openHdf5Frames(file, dataset);
  if (kind === 'npy') return openNpy(file);
  if (kind === 'tiff') return openTiffFile(file);
  if (kind === 'gzip') return openGzip(file);
  if (kind === 'cbf') return imagesFile(openCbf(await readFile(file)));
  if (kind === 'edf') return frames(readEdf(await readFile(file)));
  throw unread(kind, start);
}

/** The first bytes of a file and the format that they indicate. */
async function sniff(file: string): Promise<{ start: Uint8Array; kind: FileKind | undefined }> {
  const handle = await open(file, 'r');
  try {
    const start = Buffer.alloc(KIND_BYTES);
    const { bytesRead } = await handle.read(start, 0, start.length, 0);
    const kind = fileKind(start.subarray(0, bytesRead));
    if (kind) return { start, kind };
    // A user block before HDF5 may have any size that is a power of two.
    const { size } = await handle.stat();
    for (let at = KIND_BYTES; at + 8 <= size; at *= 2) {
      const signature = Buffer.alloc(8);
      await handle.read(signature, 0, 8, at);
      if (fileKind(signature) === 'hdf5') return { start, kind: 'hdf5' };
    }
    return { start: start.subarray(0, bytesRead), kind };
  } finally {
    await handle.close();
  }
}

async function openGzip(file: string): Promise<FrameFile> {
  let bytes: Uint8Array;
  try {
    bytes = await unzip(await readFile(file), { maxOutputLength: MAX_UNZIPPED_BYTES });
  } catch (error) {
    throw formatError('gzip', `the file does not unpack to at most ${MAX_UNZIPPED_BYTES} bytes`, error);
  }
  const kind = fileKind(bytes);
  if (kind === 'npy') return frames(readNpy(bytes));
  if (kind === 'tiff') return imagesFile(openTiff(memorySource(bytes)));
  if (kind === 'cbf') return imagesFile(openCbf(bytes));
  if (kind === 'edf') return frames(readEdf(bytes));
  if (kind === 'hdf5') throw formatError('file', 'HDF5 within gzip is not supported: unpack the file with "gzip -d"');
  throw unread(kind, bytes);
}

function unread(kind: FileKind | undefined, start: Uint8Array): MillraceError {
  const named = kind !== undefined && Object.hasOwn(UNREAD, kind) ? UNREAD[kind as keyof typeof UNREAD] : undefined;
  if (named) return formatError('file', named);
  return formatError('file', `${showStart(start)}: the format is not HDF5, NPY, TIFF, CBF or EDF, nor one of the last four in gzip`);
}

interface Images {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly count: number;
  read(index: number): DenseArray;
}

function imagesFile(images: Images, close: () => void = () => {}): FrameFile {
  return {
    dtype: images.dtype,
    shape: images.shape,
    count: images.count,
    read(index) {
      const { data } = images.read(index);
      return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    },
    close,
  };
}

function openTiffFile(file: string): FrameFile {
  const source = new FileSource(file);
  try {
    return imagesFile(openTiff(source), () => source.close());
  } catch (error) {
    source.close();
    throw error;
  }
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

/** A stack in C order is read frame by frame; an array that must be transposed is read whole. */
async function openNpy(file: string): Promise<FrameFile> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const start = Buffer.alloc(Math.min(NPY_HEADER_BYTES, size));
    await handle.read(start, 0, start.length, 0);
    const whole = npyDataOffset(start) > start.length;
    const header = whole ? undefined : readNpyHeader(start);
    if (!header || header.fortranOrder || header.shape.length < 3) {
      const bytes = await handle.readFile();
      await handle.close();
      return frames(readNpy(bytes));
    }
    const { dtype, dataOffset, dataBytes } = header;
    const isPlain = !header.bigEndian && !header.isHalf;
    if (size - dataOffset !== dataBytes) throw formatError('npy', `${dataBytes} bytes of items announced, but ${size - dataOffset} found`);
    const shape = header.shape.slice(1);
    const frame = Buffer.alloc(header.shape[0] === 0 ? 0 : dataBytes / header.shape[0]!);
    return {
      dtype,
      shape,
      count: header.shape[0]!,
      async read(index) {
        const { bytesRead } = await handle.read(frame, 0, frame.length, dataOffset + index * frame.length);
        if (bytesRead !== frame.length) throw formatError('npy', `frame ${index} ends after ${bytesRead} of ${frame.length} bytes`);
        if (isPlain) return frame;
        const items = npyItems(header, frame);
        return new Uint8Array(items.buffer, items.byteOffset, items.byteLength);
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close().catch(() => {});
    throw error;
  }
}
