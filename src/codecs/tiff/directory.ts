import type { ByteSource } from '../byte-source.js';
import { formatError, latin1 } from '../file-bytes.js';

export const refuseTiff = (detail: string, cause?: unknown) => formatError('tiff', detail, cause);

/** Tags of the TIFF 6.0 specification (Adobe, 1992) and of registered extensions, by name. */
export const TAG = {
  newSubfileType: 254,
  subfileType: 255,
  width: 256,
  length: 257,
  bitsPerSample: 258,
  compression: 259,
  fillOrder: 266,
  description: 270,
  stripOffsets: 273,
  samplesPerPixel: 277,
  rowsPerStrip: 278,
  stripByteCounts: 279,
  predictor: 317,
  tileWidth: 322,
  tileLength: 323,
  tileOffsets: 324,
  tileByteCounts: 325,
  sampleFormat: 339,
  imageDepth: 32997,
  metamorphPlanes: 33629,
} as const;

/** The types of integers and of text, with their sizes in bytes. */
const SIZES: Readonly<Record<number, number>> = { 1: 1, 2: 1, 3: 2, 4: 4, 13: 4, 16: 8, 18: 8 };
const ASCII = 2;

/** The file header. BigTIFF has the version 43 and words of 8 bytes. */
export interface TiffForm {
  readonly little: boolean;
  readonly big: boolean;
  readonly firstDirectory: number;
}

export function readForm(source: ByteSource): TiffForm {
  const order = source.size >= 8 ? latin1(source.read(0, 2)) : '';
  if (order !== 'II' && order !== 'MM') throw refuseTiff('the byte order mark is missing');
  const little = order === 'II';
  const view = viewOf(source, 0, Math.min(source.size, 16));
  const version = view.getUint16(2, little);
  if (version === 42) return { little, big: false, firstDirectory: view.getUint32(4, little) };
  if (version !== 43) throw refuseTiff(`version ${version} is not known`);
  if (source.size < 16 || view.getUint16(4, little) !== 8) throw refuseTiff('an invalid BigTIFF header');
  return { little, big: true, firstDirectory: word8(view, 8, little) };
}

/** The entries of one image file directory. Each value is checked against the file when it is read. */
export class Directory {
  /** Offset of the next directory; 0 after the last. */
  readonly next: number;
  /** Size of the directory itself. */
  readonly lengthBytes: number;
  readonly #entries = new Map<number, number>();
  readonly #source: ByteSource;
  readonly #form: TiffForm;
  readonly #view: DataView;

  constructor(source: ByteSource, form: TiffForm, offset: number) {
    this.#source = source;
    this.#form = form;
    const { little, big } = form;
    const countBytes = big ? 8 : 2;
    const entryBytes = big ? 20 : 12;
    const nextBytes = big ? 8 : 4;
    if (offset < 8 || offset + countBytes > source.size) throw refuseTiff('the directory is outside the file');
    const head = viewOf(source, offset, countBytes);
    const count = big ? word8(head, 0, little) : head.getUint16(0, little);
    const end = offset + countBytes + count * entryBytes;
    if (end > source.size) throw refuseTiff('the directory extends beyond the file');
    // Some writers omit the pointer to the next page.
    const hasNext = end + nextBytes <= source.size;
    this.lengthBytes = countBytes + count * entryBytes + nextBytes;
    // A copy: the directory must outlive the next read.
    const copy = Uint8Array.from(source.read(offset + countBytes, count * entryBytes + (hasNext ? nextBytes : 0)));
    this.#view = new DataView(copy.buffer);
    for (let at = 0; at < count * entryBytes; at += entryBytes) this.#entries.set(this.#view.getUint16(at, little), at);
    const at = count * entryBytes;
    this.next = hasNext ? (big ? word8(this.#view, at, little) : this.#view.getUint32(at, little)) : 0;
  }

  has(tag: number): boolean {
    return this.#entries.has(tag);
  }

  /** Number of values that the tag announces; 0 when it is missing. */
  count(tag: number): number {
    const entry = this.#entries.get(tag);
    return entry === undefined ? 0 : this.#count(entry);
  }

  /** The integers of a tag. */
  all(tag: number): number[] {
    const { type, bytes } = this.#values(tag);
    const { little } = this.#form;
    const size = SIZES[type]!;
    if (type === ASCII) throw refuseTiff(`the tag ${tag} is text, but must be numbers`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values = new Array<number>(bytes.length / size);
    for (let index = 0; index < values.length; index++) {
      const at = index * size;
      if (size === 1) values[index] = view.getUint8(at);
      else if (size === 2) values[index] = view.getUint16(at, little);
      else values[index] = size === 4 ? view.getUint32(at, little) : word8(view, at, little);
    }
    return values;
  }

  /** The single value of a tag, or its default. */
  one(tag: number, missing?: number): number {
    if (missing !== undefined && !this.has(tag)) return missing;
    const count = this.count(tag);
    if (count > 1) throw refuseTiff(`the tag ${tag} has ${count} values`);
    return this.all(tag)[0]!;
  }

  /** A text; empty when the tag is missing or is not text. Reads at most this many bytes. */
  text(tag: number, maxBytes: number): string {
    const entry = this.#entries.get(tag);
    if (entry === undefined || this.#type(entry) !== ASCII || this.#count(entry) > maxBytes) return '';
    return latin1(this.#values(tag).bytes).replace(/\0+$/, '');
  }

  #type(entry: number): number {
    return this.#view.getUint16(entry + 2, this.#form.little);
  }

  #count(entry: number): number {
    return this.#form.big ? word8(this.#view, entry + 4, this.#form.little) : this.#view.getUint32(entry + 4, this.#form.little);
  }

  #values(tag: number): { type: number; bytes: Uint8Array } {
    const entry = this.#entries.get(tag);
    if (entry === undefined) throw refuseTiff(`the tag ${tag} is missing`);
    const { little, big } = this.#form;
    const type = this.#type(entry);
    const count = this.#count(entry);
    const size = Object.hasOwn(SIZES, type) ? SIZES[type]! : 0;
    if (size === 0) throw refuseTiff(`the tag ${tag} has the type ${type}`);
    const inline = big ? 8 : 4;
    const at = entry + (big ? 12 : 8);
    if (count > 0 && count * size <= inline) return { type, bytes: new Uint8Array(this.#view.buffer, at, count * size) };
    const start = big ? word8(this.#view, at, little) : this.#view.getUint32(at, little);
    if (count === 0 || start + count * size > this.#source.size) throw refuseTiff(`the values of the tag ${tag} are outside the file`);
    return { type, bytes: this.#source.read(start, count * size) };
  }
}

function viewOf(source: ByteSource, offset: number, lengthBytes: number): DataView {
  const bytes = source.read(offset, lengthBytes);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function word8(view: DataView, at: number, little: boolean): number {
  const value = Number(view.getBigUint64(at, little));
  if (!Number.isSafeInteger(value)) throw refuseTiff('an 8-byte value that exceeds the size of any file');
  return value;
}
