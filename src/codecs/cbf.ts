import { createHash } from 'node:crypto';
import type { DenseArray } from './dense-array.js';
import { checkedByteLength, formatError, latin1 } from './file-bytes.js';

/** An image of int32 counts, shape [slow, fast], and the text before its binary section. */
export interface CbfImage extends DenseArray {
  readonly dtype: 'int32';
  readonly data: Int32Array;
  readonly header: string;
}

const SECTION = Buffer.from('--CIF-BINARY-FORMAT-SECTION--', 'latin1');
const START_OF_DATA = Buffer.from([0x0c, 0x1a, 0x04, 0xd5]);
const MAX_HEADER_BYTES = 1 << 20;

const refuse = (detail: string) => formatError('cbf', detail);

/**
 * A mini-CBF file: one image of signed 32-bit integers in the byte-offset compression (CBFlib manual, "CBF_BYTE_OFFSET":
 * each item is the difference to the one before, in 1, 2, 4 or 8 bytes, the smallest value of each size leading on to the
 * next). The Content-MD5 is checked where there is one. Throws ERR_FORMAT.
 */
export function readCbf(bytes: Uint8Array): CbfImage {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const section = file.indexOf(SECTION);
  if (section < 0 || section > MAX_HEADER_BYTES) throw refuse('no binary section');
  const marker = file.indexOf(START_OF_DATA, section);
  if (marker < 0 || marker - section > MAX_HEADER_BYTES) throw refuse('no start of the binary data');
  const fields = mimeFields(latin1(file, section + SECTION.length, marker));

  requireText(fields, 'conversions', 'x-cbf_byte_offset');
  requireText(fields, 'content-transfer-encoding', 'binary');
  requireText(fields, 'x-binary-element-type', 'signed 32-bit integer');
  if (fields.has('x-binary-element-byte-order')) requireText(fields, 'x-binary-element-byte-order', 'little_endian');

  const width = requireSize(fields, 'x-binary-size-fastest-dimension');
  const height = requireSize(fields, 'x-binary-size-second-dimension');
  if (fields.has('x-binary-size-third-dimension') && requireSize(fields, 'x-binary-size-third-dimension') > 1)
    throw refuse('three dimensions');
  const shape = [height, width];
  const imageBytes = checkedByteLength('int32', shape);
  if (typeof imageBytes === 'string') throw refuse(imageBytes);
  const count = imageBytes / 4;
  if (fields.has('x-binary-number-of-elements') && requireSize(fields, 'x-binary-number-of-elements') !== count) {
    throw refuse(`the number of elements is not ${height} times ${width}`);
  }

  const sizeBytes = requireSize(fields, 'x-binary-size');
  const start = marker + START_OF_DATA.length;
  if (sizeBytes > file.length - start) throw refuse(`${sizeBytes} bytes of data announced, ${file.length - start} found`);
  // An item takes at least one byte, so this bounds what is allocated by what was received.
  if (count > sizeBytes) throw refuse(`${count} items cannot stand in ${sizeBytes} bytes`);
  const packed = file.subarray(start, start + sizeBytes);
  const digest = fields.get('content-md5');
  if (digest !== undefined && createHash('md5').update(packed).digest('base64') !== digest)
    throw refuse('the Content-MD5 does not match the data');

  return { dtype: 'int32', shape, data: unpackByteOffset(packed, count), header: latin1(file, 0, section) };
}

/** The fields of the binary section, names in lower case, values without their quotes. */
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

function requireText(fields: Map<string, string>, name: string, expected: string): void {
  const value = fields.get(name);
  if (value?.toLowerCase() !== expected)
    throw refuse(`${name} is ${value === undefined ? 'missing' : `"${value}"`}, only "${expected}" can be read`);
}

function requireSize(fields: Map<string, string>, name: string): number {
  const text = fields.get(name);
  const value = text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw refuse(`${name} is ${text === undefined ? 'missing' : `"${text}"`}`);
  return value;
}

function unpackByteOffset(packed: Buffer, count: number): Int32Array {
  const items = new Int32Array(count);
  const end = packed.length;
  const truncated = () => refuse('the data end within an item');
  let at = 0;
  let value = 0;
  for (let item = 0; item < count; item++) {
    if (at >= end) throw refuse(`the data end after ${item} of ${count} items`);
    let delta = (packed[at++]! << 24) >> 24;
    if (delta === -0x80) {
      if (at + 2 > end) throw truncated();
      delta = packed.readInt16LE(at);
      at += 2;
      if (delta === -0x8000) {
        if (at + 4 > end) throw truncated();
        delta = packed.readInt32LE(at);
        at += 4;
        if (delta === -0x80000000) {
          if (at + 8 > end) throw truncated();
          // Exact where it matters: a difference beyond 2^53 is outside int32 either way and refused below.
          delta = packed.readInt32LE(at + 4) * 0x100000000 + packed.readUInt32LE(at);
          at += 8;
        }
      }
    }
    value += delta;
    if ((value | 0) !== value) throw refuse(`item ${item} is outside int32`);
    items[item] = value;
  }
  if (at !== end) throw refuse(`${end - at} bytes are left after the last item`);
  return items;
}
