import { type DType, isDType, itemCount, itemSize, type TypedArray, typedView } from '../frame/dtype.js';
import type { DenseArray } from './dense-array.js';
import { checkedByteLength, formatError, itemsFromBytes, latin1 } from './file-bytes.js';
import { widenFloat16 } from './float16.js';

// The layout follows numpy's documentation ("numpy.lib.format"): magic, version, header length, a Python literal,
// items.
const MAGIC = '\x93NUMPY';
const MAX_HEADER_BYTES = 1 << 20;
const ALIGNMENT_BYTES = 64;

const DESCRIPTORS: Readonly<Record<string, DType>> = {
  b1: 'uint8',
  u1: 'uint8',
  i1: 'int8',
  u2: 'uint16',
  i2: 'int16',
  u4: 'uint32',
  i4: 'int32',
  u8: 'uint64',
  i8: 'int64',
  // Converted to a wider type on reading.
  f2: 'float32',
  f4: 'float32',
  f8: 'float64',
};

/** Advice for arrays with unsupported items, by numpy's letter of their kind. */
const UNREAD: Readonly<Record<string, string>> = {
  c: 'complex numbers: save the real and imaginary parts, or the amplitude',
  f: 'floats of another size than 2, 4 or 8 bytes: save them with astype("f8")',
  O: 'Python objects: save an array of numbers, such as numpy.asarray(a, "f4")',
  U: 'text',
  S: 'text',
  M: 'dates: save them as numbers, with astype("i8")',
  m: 'durations: save them as numbers, with astype("i8")',
  V: 'bytes without a type',
};

export interface NpyHeader {
  readonly dtype: DType;
  /** float16 in the file, float32 after reading. */
  readonly isHalf: boolean;
  readonly shape: readonly number[];
  readonly bigEndian: boolean;
  readonly fortranOrder: boolean;
  /** Offset of the items, in bytes from the start of the file. */
  readonly dataOffset: number;
  /** Size of the items, in bytes. */
  readonly dataBytes: number;
}

const refuse = (detail: string) => formatError('npy', detail);

/** Offset of the end of the header, from the first 12 bytes of a file. */
export function npyDataOffset(bytes: Uint8Array): number {
  if (bytes.length < 12 || latin1(bytes, 0, 6) !== MAGIC) throw refuse('the magic string is missing');
  const major = bytes[6]!;
  if (major < 1 || major > 3) throw refuse(`version ${major}.${bytes[7]} is not known`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (headerBytes > MAX_HEADER_BYTES) throw refuse(`a header of ${headerBytes} bytes`);
  return (major === 1 ? 10 : 12) + headerBytes;
}

/**
 * The header of an NPY file, format versions 1 to 3; `bytes` must contain at least the header. Booleans become uint8,
 * float16 becomes float32. Throws ERR_FORMAT for types without a dtype here (complex, text, structured, object).
 */
export function readNpyHeader(bytes: Uint8Array): NpyHeader {
  const dataOffset = npyDataOffset(bytes);
  if (dataOffset > bytes.length) throw refuse(`the header ends at byte ${dataOffset}, but the file at ${bytes.length}`);
  const text = latin1(bytes, bytes[6] === 1 ? 10 : 12, dataOffset);

  const descriptor = /'descr'\s*:\s*(?:'([^']*)'|\S)/.exec(text);
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text);
  const sides = /'shape'\s*:\s*\(([\d,\sL]*)\)/.exec(text);
  if (!descriptor || !order || !sides) throw refuse('the header lacks descr, fortran_order or shape');
  if (descriptor[1] === undefined)
    throw refuse(
      'the array is a table with named columns (a structured dtype), which is not supported: save one column, as in numpy.save(file, a["name"])',
    );
  const type = /^([<>|=])?([a-zA-Z]\d+)$/.exec(descriptor[1]);
  const dtype = type ? DESCRIPTORS[type[2]!] : undefined;
  if (!type || !dtype || !Object.hasOwn(DESCRIPTORS, type[2]!)) {
    const letter = /[a-zA-Z]/.exec(descriptor[1])?.[0] ?? '';
    const what = Object.hasOwn(UNREAD, letter) ? ` (${UNREAD[letter]})` : '';
    throw refuse(`the dtype '${descriptor[1]}' is not supported${what}; use booleans, integers, or floats of 2, 4 or 8 bytes`);
  }

  const shape = sides[1]!
    .split(',')
    .map((side) => side.trim().replace(/L$/, ''))
    .filter((side) => side !== '')
    .map(Number);
  const lengthBytes = checkedByteLength(dtype, shape);
  if (typeof lengthBytes === 'string') throw refuse(lengthBytes);
  const isHalf = type[2] === 'f2';
  const dataBytes = isHalf ? lengthBytes / 2 : lengthBytes;
  return { dtype, isHalf, shape, bigEndian: type[1] === '>', fortranOrder: order[1] === 'True', dataOffset, dataBytes };
}

/**
 * A whole NPY file, in any byte order and axis order, converted to C order and little-endian. If nothing has to change,
 * the items are a view of `bytes`. Throws ERR_FORMAT; the length must be exactly as the header says.
 */
export function readNpy(bytes: Uint8Array): DenseArray {
  const header = readNpyHeader(bytes);
  const { dtype, shape, dataOffset, dataBytes } = header;
  if (bytes.length - dataOffset !== dataBytes) {
    throw refuse(`${dataBytes} bytes of items announced by the shape [${shape.join(', ')}], but ${bytes.length - dataOffset} found`);
  }
  const items = npyItems(header, bytes.subarray(dataOffset));
  return { dtype, shape, data: header.fortranOrder && shape.length > 1 ? toCOrder(items, dtype, shape) : items };
}

/** Converts the bytes of a file to items, in their order in the file: a view if nothing has to change. */
export function npyItems({ dtype, isHalf, bigEndian }: NpyHeader, bytes: Uint8Array): TypedArray {
  if (isHalf) {
    const halves = itemsFromBytes('uint16', bytes, bigEndian) as Uint16Array;
    const items = new Float32Array(halves.length);
    widenFloat16(halves, items);
    return items;
  }
  const isReady = !bigEndian && bytes.byteOffset % itemSize(dtype) === 0;
  return isReady
    ? typedView(dtype, bytes.buffer, bytes.byteOffset, bytes.length / itemSize(dtype))
    : itemsFromBytes(dtype, bytes, bigEndian);
}

function toCOrder(items: TypedArray, dtype: DType, shape: readonly number[]): TypedArray {
  const count = itemCount(shape);
  const result = typedView(dtype, new ArrayBuffer(count * itemSize(dtype)), 0, count);
  const index = shape.map(() => 0);
  const strides: number[] = [];
  let stride = 1;
  for (const side of shape) {
    strides.push(stride);
    stride *= side;
  }
  let from = 0;
  for (let to = 0; to < count; to++) {
    result[to] = items[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

/**
 * The header of an NPY file of version 1.0, C order. With `reserve` its length does not depend on the first dimension,
 * so that a stack can grow and its header can be rewritten in place.
 */
export function npyHeader(dtype: DType, shape: readonly number[], reserve = false): Uint8Array {
  const size = itemSize(dtype);
  const kind = dtype === 'bytes' ? 'u' : dtype[0];
  const literal = (sides: readonly number[]) =>
    `{'descr': '${size === 1 ? '|' : '<'}${kind}${size}', 'fortran_order': False, 'shape': (${sides.join(', ')}${sides.length === 1 ? ',' : ''}), }`;
  const text = literal(shape);
  const widest = reserve ? literal([Number.MAX_SAFE_INTEGER, ...shape.slice(1)]).length : text.length;
  const total = Math.ceil((10 + widest + 1) / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
  const bytes = Buffer.alloc(total, ' ');
  bytes.write(`${MAGIC}\x01\x00`, 0, 'latin1');
  bytes.writeUInt16LE(total - 10, 8);
  bytes.write(text, 10, 'latin1');
  bytes[total - 1] = 0x0a;
  return bytes;
}

/** A whole NPY file, version 1.0. `data` may also be the bytes of the items. Throws ERR_FORMAT when the lengths do not agree. */
export function writeNpy(array: DenseArray): Uint8Array {
  const { dtype, shape, data } = array;
  const dataBytes = isDType(dtype) ? checkedByteLength(dtype, shape) : `unknown dtype ${String(dtype)}`;
  if (typeof dataBytes === 'string') throw refuse(dataBytes);
  if (data.byteLength !== dataBytes)
    throw refuse(`the shape [${shape.join(', ')}] needs ${dataBytes} bytes, but ${data.byteLength} are given`);
  const header = npyHeader(dtype, shape);
  const file = new Uint8Array(header.length + dataBytes);
  file.set(header);
  file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), header.length);
  return file;
}
