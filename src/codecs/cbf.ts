import { MillraceError } from '../errors/errors.js';
import { type DType, itemSize, type TypedArray } from '../frame/dtype.js';
import { type CbfSection, findSection, readSection, refuseCbf, sectionEnd } from './cbf/section.js';
import { unpackByteOffset } from './cbf/unpack-byte-offset.js';
import type { DenseArray } from './dense-array.js';
import { itemsFromBytes, latin1 } from './file-bytes.js';

const MAX_HEADER_BYTES = 1 << 20;

/** The images of a CBF file, of one shape and dtype. */
export interface CbfStack {
  readonly dtype: DType;
  /** [slow, fast] of each. */
  readonly shape: readonly number[];
  readonly count: number;
  /** The text before the first binary section. */
  readonly header: string;
  /** Throws ERR_FORMAT for an image that cannot be read; the others remain readable. */
  read(index: number): DenseArray;
}

/**
 * Opens a CBF file. Each binary section is an image, or several (its third dimension): integers of 8 to 64 bits in the
 * byte-offset compression, and uncompressed integers and IEEE floats. The Content-MD5 is checked if present. Throws
 * ERR_FORMAT when the first section cannot be read.
 */
export function openCbf(bytes: Uint8Array): CbfStack {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const firstAt = findSection(file, 0);
  if (firstAt < 0 || firstAt > MAX_HEADER_BYTES) throw refuseCbf('no binary section');
  const first = readSection(file, firstAt);
  const { dtype, shape } = first;
  const images: { section: number; at: number }[] = Array.from({ length: first.count }, (_, at) => ({ section: firstAt, at }));
  let lost: MillraceError | undefined;
  let end = sectionEnd(file, firstAt);
  for (let section = findSection(file, end); section >= 0; section = findSection(file, end)) {
    // An unreadable section counts as one image. If its end is unknown, the sections after it cannot be found.
    let count = 1;
    try {
      end = sectionEnd(file, section);
      count = readSection(file, section).count;
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      if (end <= section) lost = error;
    }
    if (lost) break;
    for (let at = 0; at < count; at++) images.push({ section, at });
  }

  let open: { section: number; form: CbfSection; items: TypedArray } | undefined;
  const itemsOf = (section: number): { form: CbfSection; items: TypedArray } => {
    if (open?.section === section) return open;
    const form = section === firstAt ? first : readSection(file, section);
    if (form.dtype !== dtype || form.shape[0] !== shape[0] || form.shape[1] !== shape[1])
      throw refuseCbf(`a section is ${form.dtype} [${form.shape.join(', ')}], but the first is ${dtype} [${shape.join(', ')}]`);
    open = { section, form, items: unpack(form) };
    return open;
  };
  return {
    dtype,
    shape,
    count: images.length + (lost ? 1 : 0),
    header: latin1(file, 0, firstAt),
    read(index) {
      const image = images[index];
      if (!image) throw lost ?? refuseCbf(`image ${index} of ${images.length}`);
      const { items } = itemsOf(image.section);
      const itemsPerImage = shape[0] * shape[1];
      return { dtype, shape, data: items.subarray(image.at * itemsPerImage, (image.at + 1) * itemsPerImage) };
    },
  };
}

/** An image and the text before its binary section. */
export interface CbfImage extends DenseArray {
  readonly header: string;
}

/** The one image of a CBF file; see `openCbf` for the supported forms. Throws ERR_FORMAT, also for several images. */
export function readCbf(bytes: Uint8Array): CbfImage {
  const stack = openCbf(bytes);
  if (stack.count !== 1) throw refuseCbf(`${stack.count} images, but expected one`);
  return { ...stack.read(0), header: stack.header };
}

function unpack({ dtype, shape, count, isPacked, bigEndian, data }: CbfSection): TypedArray {
  const items = count * shape[0] * shape[1];
  return isPacked ? unpackByteOffset(data, items, dtype) : itemsFromBytes(dtype, data.subarray(0, items * itemSize(dtype)), bigEndian);
}
