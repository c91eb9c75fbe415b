import { type DType, itemSize } from '../frame/dtype.js';
import type { DenseArray } from './dense-array.js';
import { checkedByteLength, formatError, itemsFromBytes, latin1 } from './file-bytes.js';

/** Tags of the TIFF 6.0 specification (Adobe, 1992), by name. */
const TAG = {
  width: 256,
  length: 257,
  bitsPerSample: 258,
  compression: 259,
  fillOrder: 266,
  stripOffsets: 273,
  samplesPerPixel: 277,
  rowsPerStrip: 278,
  stripByteCounts: 279,
  predictor: 317,
  tileWidth: 322,
  sampleFormat: 339,
} as const;

const COMPRESSIONS: Readonly<Record<number, string>> = {
  2: 'CCITT',
  3: 'CCITT fax 3',
  4: 'CCITT fax 4',
  5: 'LZW',
  6: 'old JPEG',
  7: 'JPEG',
  8: 'Deflate',
  32773: 'PackBits',
  32946: 'Deflate',
  34925: 'LZMA',
  50000: 'Zstandard',
};

/** By sample format (1 unsigned, 2 signed, 3 float) and bits. */
const TYPES: Readonly<Record<string, DType>> = {
  '1/8': 'uint8',
  '1/16': 'uint16',
  '1/32': 'uint32',
  '2/8': 'int8',
  '2/16': 'int16',
  '2/32': 'int32',
  '3/32': 'float32',
  '3/64': 'float64',
};

const SHORT = 3;
const LONG = 4;
const refuse = (detail: string) => formatError('tiff', detail);

/**
 * One image out of a TIFF file: a single page of one uncompressed channel in strips, of any dtype in TYPES, little or big
 * endian; shape [length, width]. Throws ERR_FORMAT, naming what it cannot read.
 */
export function readTiff(bytes: Uint8Array): DenseArray {
  const order = bytes.length >= 8 ? latin1(bytes, 0, 2) : '';
  if (order !== 'II' && order !== 'MM') throw refuse('the byte order mark is missing');
  const little = order === 'II';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint16(2, little);
  if (version === 43) throw refuse('BigTIFF is not read');
  if (version !== 42) throw refuse(`version ${version} is not known`);
  const fields = new Fields(view, little, view.getUint32(4, little));
  if (fields.hasNext) throw refuse('several pages are not read');

  if (fields.has(TAG.tileWidth)) throw refuse('tiles are not read');
  const compression = fields.one(TAG.compression, 1);
  if (compression !== 1) throw refuse(`the compression ${COMPRESSIONS[compression] ?? compression} is not read`);
  const samples = fields.one(TAG.samplesPerPixel, 1);
  if (samples !== 1) throw refuse(`${samples} samples per pixel are not read`);
  if (fields.one(TAG.fillOrder, 1) !== 1) throw refuse('a reversed fill order is not read');
  if (fields.one(TAG.predictor, 1) !== 1) throw refuse('predictors are not read');
  const kind = `${fields.one(TAG.sampleFormat, 1)}/${fields.one(TAG.bitsPerSample, 1)}`;
  const dtype = Object.hasOwn(TYPES, kind) ? TYPES[kind] : undefined;
  if (!dtype) throw refuse(`samples of the format/bits ${kind} are not read`);

  const shape = [fields.one(TAG.length), fields.one(TAG.width)];
  const imageBytes = checkedByteLength(dtype, shape);
  if (typeof imageBytes === 'string') throw refuse(imageBytes);
  if (imageBytes > bytes.length) throw refuse(`an image of ${imageBytes} bytes in a file of ${bytes.length}`);
  const rowBytes = shape[1]! * itemSize(dtype);
  return { dtype, shape, data: itemsFromBytes(dtype, gatherStrips(bytes, fields, shape[0]!, rowBytes), !little) };
}

function gatherStrips(bytes: Uint8Array, fields: Fields, rows: number, rowBytes: number): Uint8Array {
  const rowsPerStrip = Math.min(fields.one(TAG.rowsPerStrip, 0xffffffff), Math.max(1, rows));
  if (rowsPerStrip === 0) throw refuse('strips of no rows');
  const offsets = fields.all(TAG.stripOffsets);
  const counts = fields.has(TAG.stripByteCounts) ? fields.all(TAG.stripByteCounts) : undefined;
  const strips = Math.ceil(rows / rowsPerStrip);
  if (offsets.length !== strips || (counts && counts.length !== strips))
    throw refuse(`${offsets.length} strips where ${strips} are needed`);
  const image = new Uint8Array(rows * rowBytes);
  for (let strip = 0; strip < strips; strip++) {
    const firstRow = strip * rowsPerStrip;
    const lengthBytes = Math.min(rowsPerStrip, rows - firstRow) * rowBytes;
    const offset = offsets[strip]!;
    if (counts && counts[strip]! < lengthBytes) throw refuse(`strip ${strip} has ${counts[strip]} bytes, ${lengthBytes} are needed`);
    if (offset + lengthBytes > bytes.length)
      throw refuse(`strip ${strip} ends at byte ${offset + lengthBytes}, the file at ${bytes.length}`);
    image.set(bytes.subarray(offset, offset + lengthBytes), firstRow * rowBytes);
  }
  return image;
}

/** The entries of one image file directory; each is checked against the file when it is read. */
class Fields {
  readonly hasNext: boolean;
  readonly #entries = new Map<number, number>();
  readonly #view: DataView;
  readonly #little: boolean;

  constructor(view: DataView, little: boolean, offset: number) {
    this.#view = view;
    this.#little = little;
    if (offset < 8 || offset + 2 > view.byteLength) throw refuse('the directory is outside the file');
    const count = view.getUint16(offset, little);
    const end = offset + 2 + count * 12;
    if (end > view.byteLength) throw refuse('the directory ends outside the file');
    for (let entry = offset + 2; entry < end; entry += 12) this.#entries.set(view.getUint16(entry, little), entry);
    // Some writers leave out the word that points to the next page.
    this.hasNext = end + 4 <= view.byteLength && view.getUint32(end, little) !== 0;
  }

  has(tag: number): boolean {
    return this.#entries.has(tag);
  }

  all(tag: number): number[] {
    const entry = this.#entries.get(tag);
    if (entry === undefined) throw refuse(`the tag ${tag} is missing`);
    const type = this.#view.getUint16(entry + 2, this.#little);
    const count = this.#view.getUint32(entry + 4, this.#little);
    if (type !== SHORT && type !== LONG) throw refuse(`the tag ${tag} has the type ${type}`);
    const size = type === SHORT ? 2 : 4;
    const start = count * size <= 4 ? entry + 8 : this.#view.getUint32(entry + 8, this.#little);
    if (count === 0 || start + count * size > this.#view.byteLength) throw refuse(`the values of the tag ${tag} are outside the file`);
    return Array.from({ length: count }, (_, index) =>
      type === SHORT ? this.#view.getUint16(start + index * 2, this.#little) : this.#view.getUint32(start + index * 4, this.#little),
    );
  }

  /** A tag of a single value, or its default. */
  one(tag: number, missing?: number): number {
    if (missing !== undefined && !this.has(tag)) return missing;
    const values = this.all(tag);
    if (values.length !== 1) throw refuse(`the tag ${tag} has ${values.length} values`);
    return values[0]!;
  }
}
