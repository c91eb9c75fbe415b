import { createHash } from 'node:crypto';
import type { DType } from '../../frame/dtype.js';
import { checkedByteLength, formatError, latin1 } from '../file-bytes.js';

export const refuseCbf = (detail: string) => formatError('cbf', detail);

const SECTION = Buffer.from('--CIF-BINARY-FORMAT-SECTION--', 'latin1');
const START_OF_DATA = Buffer.from([0x0c, 0x1a, 0x04, 0xd5]);
const MAX_HEADER_BYTES = 1 << 20;

/** The names of CBFlib for the types of elements. */
const TYPES: Readonly<Record<string, DType>> = {
  'unsigned 8-bit integer': 'uint8',
  'signed 8-bit integer': 'int8',
  'unsigned 16-bit integer': 'uint16',
  'signed 16-bit integer': 'int16',
  'unsigned 32-bit integer': 'uint32',
  'signed 32-bit integer': 'int32',
  'unsigned 64-bit integer': 'uint64',
  'signed 64-bit integer': 'int64',
  'signed 32-bit real ieee': 'float32',
  'signed 64-bit real ieee': 'float64',
};

/** A binary section with the checked fields of its header. */
export interface CbfSection {
  readonly dtype: DType;
  /** [slow, fast] of one image. */
  readonly shape: readonly [number, number];
  /** Number of consecutive images. */
  readonly count: number;
  readonly isPacked: boolean;
  readonly bigEndian: boolean;
  /** As stored in the file. */
  readonly data: Buffer;
}

/** Offset of the header of the next section (the first byte of its boundary), or -1. */
export function findSection(file: Buffer, from: number): number {
  for (let at = file.indexOf(SECTION, from); at >= 0; at = file.indexOf(SECTION, at + SECTION.length)) {
    // The boundary that closes a section has two more hyphens.
    if (latin1(file, at + SECTION.length, at + SECTION.length + 2) !== '--') return at;
  }
  return -1;
}

/** The offset after the data that a section announces, so that data that looks like a boundary is skipped. */
export function sectionEnd(file: Buffer, section: number): number {
  const { fields, start } = head(file, section);
  const sizeBytes = requireSize(fields, 'x-binary-size');
  if (sizeBytes > file.length - start) throw refuseCbf(`${sizeBytes} bytes of data announced, but ${file.length - start} found`);
  return start + sizeBytes;
}

/** Throws ERR_FORMAT, naming the unsupported feature. */
export function readSection(file: Buffer, section: number): CbfSection {
  const { fields, start } = head(file, section);
  const conversion = (fields.get('conversions') ?? 'x-cbf_none').toLowerCase();
  if (conversion !== 'x-cbf_byte_offset' && conversion !== 'x-cbf_none')
    throw refuseCbf(`the compression "${fields.get('conversions')}" is not supported: use x-CBF_BYTE_OFFSET, or none`);
  const isPacked = conversion === 'x-cbf_byte_offset';
  const encoding = fields.get('content-transfer-encoding') ?? 'missing';
  if (encoding.toLowerCase() !== 'binary') throw refuseCbf(`the encoding "${encoding}" is not supported: use BINARY`);
  const name = fields.get('x-binary-element-type');
  const dtype = name !== undefined && Object.hasOwn(TYPES, name.toLowerCase()) ? TYPES[name.toLowerCase()] : undefined;
  if (!dtype || (isPacked && dtype.startsWith('float')))
    throw refuseCbf(`elements of the type "${name ?? 'missing'}"${isPacked ? ' with x-CBF_BYTE_OFFSET' : ''} are not supported`);
  const order = fields.get('x-binary-element-byte-order')?.toLowerCase() ?? 'little_endian';
  if (order !== 'little_endian' && order !== 'big_endian') throw refuseCbf(`the byte order "${order}" is not known`);
  if (isPacked && order === 'big_endian') throw refuseCbf('x-CBF_BYTE_OFFSET in big-endian order is not supported');

  const width = requireSize(fields, 'x-binary-size-fastest-dimension');
  const height = requireSize(fields, 'x-binary-size-second-dimension');
  const third = fields.has('x-binary-size-third-dimension') ? requireSize(fields, 'x-binary-size-third-dimension') : 1;
  const count = Math.max(1, third);
  const lengthBytes = checkedByteLength(dtype, [count, height, width]);
  if (typeof lengthBytes === 'string') throw refuseCbf(lengthBytes);
  const items = count * height * width;
  if (fields.has('x-binary-number-of-elements') && requireSize(fields, 'x-binary-number-of-elements') !== items)
    throw refuseCbf(`the number of elements is not ${count > 1 ? `${count} times ` : ''}${height} times ${width}`);

  const sizeBytes = requireSize(fields, 'x-binary-size');
  if (sizeBytes > file.length - start) throw refuseCbf(`${sizeBytes} bytes of data announced, but ${file.length - start} found`);
  // An item needs at least one byte, so the received bytes limit the allocation.
  if (items > sizeBytes) throw refuseCbf(`${items} items do not fit in ${sizeBytes} bytes`);
  if (!isPacked && sizeBytes !== lengthBytes) throw refuseCbf(`${items} items of ${dtype} need ${lengthBytes} bytes, not ${sizeBytes}`);
  const data = file.subarray(start, start + sizeBytes);
  const digest = fields.get('content-md5');
  if (digest !== undefined && createHash('md5').update(data).digest('base64') !== digest)
    throw refuseCbf('the Content-MD5 does not match the data');
  return { dtype, shape: [height, width], count, isPacked, bigEndian: order === 'big_endian', data };
}

function head(file: Buffer, section: number): { fields: Map<string, string>; start: number } {
  const marker = file.indexOf(START_OF_DATA, section);
  if (marker < 0 || marker - section > MAX_HEADER_BYTES) throw refuseCbf('no start of the binary data');
  return { fields: mimeFields(latin1(file, section + SECTION.length, marker)), start: marker + START_OF_DATA.length };
}

/** The fields of the binary section, names in lower case, values without quotes. */
function mimeFields(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    // `conversions` is a parameter of Content-Type on a continuation line; it is looked up like a field.
    for (const [, name, value] of line.matchAll(/(conversions)\s*=\s*"?([^";\s]*)"?/gi)) fields.set(name!.toLowerCase(), value!);
    const field = /^([A-Za-z0-9-]+):\s*(.*?)\s*;?\s*$/.exec(line);
    if (field) fields.set(field[1]!.toLowerCase(), field[2]!.replace(/^"(.*)"$/, '$1'));
  }
  return fields;
}

function requireSize(fields: Map<string, string>, name: string): number {
  const text = fields.get(name);
  const value = text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw refuseCbf(`${name} is ${text === undefined ? 'missing' : `"${text}"`}`);
  return value;
}
