import { type DType, itemCount, itemSize, typedView } from '../../frame/dtype.js';
import type { ByteSource } from '../byte-source.js';
import type { DenseArray } from '../dense-array.js';
import { checkedByteLength } from '../file-bytes.js';
import { widenFloat16 } from '../float16.js';
import { type Directory, refuseTiff, TAG } from './directory.js';
import { undoPredictor } from './undo-predictor.js';
import { checkCompression, isPacked, MAX_EXPANSION, unpackSegment } from './unpack-segment.js';

/**
 * The dtype of the frame, by sample format (1 unsigned, 2 signed, 3 float) and bits. Bits become 0 and 1, float16
 * becomes float32.
 */
const TYPES: Readonly<Record<string, DType>> = {
  '1/1': 'uint8',
  '1/8': 'uint8',
  '1/16': 'uint16',
  '1/32': 'uint32',
  '1/64': 'uint64',
  '2/8': 'int8',
  '2/16': 'int16',
  '2/32': 'int32',
  '2/64': 'int64',
  '3/16': 'float32',
  '3/32': 'float32',
  '3/64': 'float64',
};
const MAX_PACKED_IMAGE_BYTES = 2 ** 30;

/** The checked tags of one image. */
export interface PageForm {
  readonly dtype: DType;
  /** [length, width]. */
  readonly shape: readonly [number, number];
  /** Size of one sample in the file. */
  readonly bits: number;
  readonly compression: number;
  readonly predictor: number;
  /** Size of the stored image, before the conversion of float16 and bits. */
  readonly rowBytes: number;
  /** A strip is a tile as wide as the image. */
  readonly tile: { readonly width: number; readonly length: number; readonly rowBytes: number };
  readonly isTiled: boolean;
}

/** Throws ERR_FORMAT, naming the unsupported feature. */
export function readPageForm(source: ByteSource, fields: Directory): PageForm {
  const depth = Math.max(fields.one(TAG.imageDepth, 1), fields.count(TAG.metamorphPlanes));
  if (depth > 1) throw refuseTiff(`${depth} planes in one directory (MetaMorph, SGI) are not supported: save them as pages`);
  const samples = fields.one(TAG.samplesPerPixel, 1);
  if (samples !== 1) throw refuseTiff(`${samples} samples per pixel are not supported: save one channel`);
  if (fields.one(TAG.fillOrder, 1) !== 1) throw refuseTiff('a reversed fill order is not supported');
  const compression = fields.one(TAG.compression, 1);
  const predictor = fields.one(TAG.predictor, 1);
  checkCompression(compression, predictor);
  const bits = fields.one(TAG.bitsPerSample, 1);
  const kind = `${fields.one(TAG.sampleFormat, 1)}/${bits}`;
  const dtype = Object.hasOwn(TYPES, kind) ? TYPES[kind] : undefined;
  if (!dtype)
    throw refuseTiff(`samples of the format/bits ${kind} are not supported (1 is unsigned, 2 signed, 3 float; 5 and 6 are complex)`);
  if (predictor === 3 && !kind.startsWith('3/')) throw refuseTiff('the predictor for floats is applied to integers');
  if (predictor !== 1 && bits === 1) throw refuseTiff('a predictor is applied to single bits');

  const shape = [fields.one(TAG.length), fields.one(TAG.width)] as const;
  const imageBytes = checkedByteLength(dtype, shape);
  if (typeof imageBytes === 'string') throw refuseTiff(imageBytes);
  const rowBytes = Math.ceil((shape[1] * bits) / 8);
  const storedBytes = rowBytes * shape[0];
  const limitBytes = isPacked(compression) ? Math.min(MAX_PACKED_IMAGE_BYTES, source.size * MAX_EXPANSION) : source.size;
  if (storedBytes > limitBytes) throw refuseTiff(`an image of ${storedBytes} bytes in a file of ${source.size}`);
  const isTiled = fields.has(TAG.tileWidth);
  const width = isTiled ? fields.one(TAG.tileWidth) : shape[1];
  const length = isTiled ? fields.one(TAG.tileLength) : Math.min(fields.one(TAG.rowsPerStrip, 0xffffffff), Math.max(1, shape[0]));
  if (length === 0 || (isTiled && width === 0)) throw refuseTiff('strips or tiles without rows or columns');
  const tile = { width, length, rowBytes: Math.ceil((width * bits) / 8) };
  // A tile may extend over the edge of a small image, but a sane tile is not much larger than a whole image.
  if (isTiled && tile.rowBytes * length > Math.max(1 << 26, 4 * storedBytes)) throw refuseTiff(`tiles of ${width} by ${length} pixels`);
  return { dtype, shape, bits, compression, predictor, rowBytes, tile, isTiled };
}

/** The image of one directory, as its dtype, in C order. */
export function readPage(source: ByteSource, fields: Directory, form: PageForm, little: boolean): DenseArray {
  return asItems(form, gather(source, fields, form, little));
}

/** An image stored contiguously at `offset`, uncompressed. */
export function readPlainImage(source: ByteSource, form: PageForm, offset: number, little: boolean): DenseArray {
  const stored = new Uint8Array(form.rowBytes * form.shape[0]);
  stored.set(source.read(offset, stored.length));
  return asItems(form, undoPredictor(1, stored, Math.max(1, form.bits / 8), form.shape[1], !little));
}

/** Offset of the data of the image, if they are contiguous and uncompressed. */
export function plainImageStart(fields: Directory, form: PageForm): number | undefined {
  if (form.isTiled || isPacked(form.compression) || form.bits < 8) return undefined;
  const offsets = fields.all(TAG.stripOffsets);
  const stripBytes = form.tile.length * form.rowBytes;
  return offsets.every((offset, strip) => offset === offsets[0]! + strip * stripBytes) ? offsets[0] : undefined;
}

function asItems({ dtype, shape, bits, rowBytes }: PageForm, stored: Uint8Array): DenseArray {
  const count = itemCount(shape);
  if (bits === 1) return { dtype, shape, data: widenBits(stored, shape, rowBytes) };
  if (bits === 16 && dtype === 'float32') {
    const data = new Float32Array(count);
    widenFloat16(new Uint16Array(stored.buffer, stored.byteOffset, count), data);
    return { dtype, shape, data };
  }
  return { dtype, shape, data: typedView(dtype, stored.buffer, stored.byteOffset, stored.length / itemSize(dtype)) };
}

function widenBits(stored: Uint8Array, [length, width]: readonly [number, number], rowBytes: number): Uint8Array {
  const data = new Uint8Array(length * width);
  for (let row = 0, to = 0; row < length; row++)
    for (let column = 0; column < width; column++) data[to++] = (stored[row * rowBytes + (column >> 3)]! >> (7 - (column & 7))) & 1;
  return data;
}

function gather(source: ByteSource, fields: Directory, form: PageForm, little: boolean): Uint8Array {
  const { shape, bits, compression, predictor, rowBytes, tile, isTiled } = form;
  const name = isTiled ? 'tile' : 'strip';
  const [rows, columns] = shape;
  const across = isTiled ? Math.ceil(columns / tile.width) : 1;
  const needed = across * Math.ceil(rows / tile.length);
  const offsets = fields.all(isTiled ? TAG.tileOffsets : TAG.stripOffsets);
  const countTag = isTiled ? TAG.tileByteCounts : TAG.stripByteCounts;
  const counts = fields.has(countTag) ? fields.all(countTag) : undefined;
  if (offsets.length !== needed || (counts && counts.length !== needed))
    throw refuseTiff(`${offsets.length} ${name}s, but ${needed} are needed`);
  if (!counts && isPacked(compression)) throw refuseTiff(`the lengths of the ${name}s are missing`);
  const image = new Uint8Array(rows * rowBytes);
  for (let index = 0; index < needed; index++) {
    const firstRow = Math.floor(index / across) * tile.length;
    const firstByte = (index % across) * tile.rowBytes;
    const tileRows = Math.min(tile.length, rows - firstRow);
    // The last strip may be cut off at the end of the image; a tile is always complete.
    const lengthBytes = (isTiled ? tile.length : tileRows) * tile.rowBytes;
    const stored = counts && isPacked(compression) ? counts[index]! : lengthBytes;
    const offset = offsets[index]!;
    if (counts && counts[index]! < stored) throw refuseTiff(`${name} ${index} has ${counts[index]} bytes, but needs ${stored}`);
    if (offset + stored > source.size) throw refuseTiff(`${name} ${index} ends at byte ${offset + stored}, but the file at ${source.size}`);
    const unpacked = unpackSegment(compression, source.read(offset, stored), tile.length * tile.rowBytes);
    if (unpacked.length < lengthBytes) throw refuseTiff(`${name} ${index} unpacks to ${unpacked.length} bytes, but needs ${lengthBytes}`);
    // A copy when items change in place: they must then be aligned, and the bytes of the source are not ours.
    const own = predictor === 1 && (little || bits <= 8) ? unpacked : Uint8Array.from(unpacked.subarray(0, lengthBytes));
    const plain = undoPredictor(predictor, own, Math.max(1, bits / 8), tile.width, !little && bits > 8);
    if (tile.rowBytes === rowBytes) {
      image.set(plain.subarray(0, tileRows * rowBytes), firstRow * rowBytes);
      continue;
    }
    const takenBytes = Math.min(tile.rowBytes, rowBytes - firstByte);
    for (let row = 0; row < tileRows; row++)
      image.set(plain.subarray(row * tile.rowBytes, row * tile.rowBytes + takenBytes), (firstRow + row) * rowBytes + firstByte);
  }
  return image;
}
