import { MillraceError } from '../../errors/errors.js';
import type { DType } from '../../frame/dtype.js';
import type { ByteSource } from '../byte-source.js';
import type { DenseArray } from '../dense-array.js';
import { Directory, readForm, refuseTiff, TAG, type TiffForm } from './directory.js';
import { type PageForm, plainImageStart, readPage, readPageForm, readPlainImage } from './read-page.js';

/** The images of a TIFF file, of one shape and dtype. */
export interface TiffStack {
  readonly dtype: DType;
  /** [length, width] of each. */
  readonly shape: readonly number[];
  readonly count: number;
  /** Throws ERR_FORMAT for an image that cannot be read; the others remain readable. */
  read(index: number): DenseArray;
}

const MAX_DESCRIPTION_BYTES = 1 << 16;
const REDUCED = 1;
const OLD_REDUCED = 2;
const TRANSPARENCY = 4;

/**
 * Opens a TIFF or BigTIFF file of either byte order: one channel in strips or tiles; uncompressed, LZW, Deflate or
 * PackBits, predictors 1 to 3; unsigned, signed and float of 8 to 64 bits, float16 (as float32) and single bits (as
 * uint8). Each page is an image; pages that are reduced copies of others are skipped. A stack that ImageJ or tifffile
 * wrote with a single directory is read completely. Throws ERR_FORMAT when the first image cannot be read.
 */
export function openTiff(source: ByteSource): TiffStack {
  const form = readForm(source);
  const pages = directories(source, form);
  const first = pages[0];
  if (first === undefined) throw refuseTiff('the file contains only reduced copies of images');
  if (first instanceof MillraceError) throw first;
  const fields = new Directory(source, form, first);
  const page = readPageForm(source, fields);
  const announced = announcedImages(fields, page);
  const { dtype, shape } = page;
  if (pages.length === 1 && announced > 1) return oneDirectoryStack(source, form, fields, page, announced);
  if (announced > pages.length) pages.push(refuseTiff(`the description announces ${announced} images, but the file has ${pages.length}`));
  return {
    dtype,
    shape,
    count: pages.length,
    read(index) {
      const at = pages[index]!;
      if (at instanceof MillraceError) throw at;
      const own = index === 0 ? fields : new Directory(source, form, at);
      const ownPage = index === 0 ? page : readPageForm(source, own);
      if (ownPage.dtype !== dtype || ownPage.shape[0] !== shape[0] || ownPage.shape[1] !== shape[1])
        throw refuseTiff(
          `page ${index + 1} is ${ownPage.dtype} [${ownPage.shape.join(', ')}], but the first is ${dtype} [${shape.join(', ')}]`,
        );
      return readPage(source, own, ownPage, form.little);
    },
  };
}

/** The offsets of the directories with images; if the chain breaks, the error comes last, in place of the rest. */
function directories(source: ByteSource, form: TiffForm): (number | MillraceError)[] {
  const pages: (number | MillraceError)[] = [];
  const seen = new Set<number>();
  let directoryBytes = 0;
  for (let offset = form.firstDirectory; offset !== 0; ) {
    try {
      if (seen.has(offset)) throw refuseTiff('the directories form a loop');
      seen.add(offset);
      const fields = new Directory(source, form, offset);
      // Overlapping directories could be far more than the size of the file allows.
      directoryBytes += fields.lengthBytes;
      if (directoryBytes > source.size + fields.lengthBytes) throw refuseTiff('the directories overlap');
      const kind = fields.one(TAG.newSubfileType, 0);
      if (kind & TRANSPARENCY) throw refuseTiff('a page that is a transparency mask is not supported');
      if (!(kind & REDUCED) && fields.one(TAG.subfileType, 1) !== OLD_REDUCED) pages.push(offset);
      offset = fields.next;
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      pages.push(refuseTiff(`page ${pages.length + 1}: ${error.message.replace(/^tiff: /, '')}`));
      break;
    }
  }
  return pages;
}

/**
 * Number of images that the description of the first page announces, as ImageJ and tifffile write it; 0 when it gives
 * none.
 */
function announcedImages(fields: Directory, { shape }: PageForm): number {
  const text = fields.text(TAG.description, MAX_DESCRIPTION_BYTES);
  if (text.startsWith('ImageJ=')) return Number(/^images=(\d{1,9})\s*$/m.exec(text)?.[1] ?? 0);
  if (!text.startsWith('{"shape"')) return 0;
  const sides = /"shape":\s*\[([\d,\s]{1,200})\]/.exec(text)?.[1]?.split(',').map(Number) ?? [];
  // Without the word each image has a page of its own, and other series may follow.
  if (!/"truncated":\s*true/.test(text)) return 0;
  const count = sides.reduce((product, side) => product * side, 1) / (shape[0] * shape[1]);
  return Number.isSafeInteger(count) ? count : 0;
}

function oneDirectoryStack(source: ByteSource, { little }: TiffForm, fields: Directory, page: PageForm, count: number): TiffStack {
  const { dtype, shape } = page;
  const imageBytes = page.rowBytes * shape[0];
  const start = plainImageStart(fields, page);
  if (start === undefined || start + count * imageBytes > source.size)
    throw refuseTiff(`the description announces ${count} images, but the file has one: save it with a page for each image`);
  return { dtype, shape, count, read: (index) => readPlainImage(source, page, start + index * imageBytes, little) };
}
