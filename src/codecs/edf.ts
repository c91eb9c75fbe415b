import type { DType } from '../frame/dtype.js';
import type { DenseArray } from './dense-array.js';
import { checkedByteLength, formatError, itemsFromBytes, latin1 } from './file-bytes.js';

const MAX_HEADER_BYTES = 1 << 20;
const MAX_SIDES = 4;

/** The names of types that writers of EDF use (ESRF data format; fabio `edfimage.py`), in lower case. */
const TYPES: Readonly<Record<string, DType>> = {
  unsignedbyte: 'uint8',
  unsigned8: 'uint8',
  signedbyte: 'int8',
  signed8: 'int8',
  unsignedshort: 'uint16',
  unsigned16: 'uint16',
  signedshort: 'int16',
  signed16: 'int16',
  unsignedinteger: 'uint32',
  unsignedlong: 'uint32',
  unsigned32: 'uint32',
  signedinteger: 'int32',
  signedlong: 'int32',
  signed32: 'int32',
  unsigned64: 'uint64',
  signed64: 'int64',
  floatvalue: 'float32',
  float: 'float32',
  float32: 'float32',
  real: 'float32',
  floatieee32: 'float32',
  doublevalue: 'float64',
  double: 'float64',
  float64: 'float64',
  doubleieee64: 'float64',
};

const refuse = (detail: string) => formatError('edf', detail);

/**
 * The one image of an EDF file (ESRF data format): a header `{ key = value ; ... }` in text, then the items,
 * uncompressed. Dim_1 is the fastest dimension, so the shape is [Dim_2, Dim_1]. Throws ERR_FORMAT, naming the
 * unsupported feature.
 */
export function readEdf(bytes: Uint8Array): DenseArray {
  const { header, dataOffset } = readHeader(bytes);
  const given = header.get('datatype');
  const dtype = given === undefined ? undefined : TYPES[given.toLowerCase()];
  if (given === undefined || dtype === undefined || !Object.hasOwn(TYPES, given.toLowerCase()))
    throw refuse(given === undefined ? 'the header has no DataType' : `the DataType "${given.slice(0, 40)}" is not supported`);
  const order = (header.get('byteorder') ?? 'LowByteFirst').toLowerCase();
  if (order !== 'lowbytefirst' && order !== 'highbytefirst') throw refuse(`the ByteOrder "${order.slice(0, 40)}" is not known`);
  const compression = (header.get('compression') ?? 'None').toLowerCase();
  if (!['none', 'nocompression', ''].includes(compression)) throw refuse(`the Compression "${compression.slice(0, 40)}" is not supported`);

  const shape: number[] = [];
  for (let side = 1; header.has(`dim_${side}`); side++) shape.unshift(sideOf(`Dim_${side}`, header.get(`dim_${side}`)!));
  if (shape.length === 0 || shape.length > MAX_SIDES) throw refuse(`${shape.length} dimensions (Dim_1, Dim_2, ...) are not supported`);
  const dataBytes = checkedByteLength(dtype, shape);
  if (typeof dataBytes === 'string') throw refuse(dataBytes);
  const end = dataOffset + dataBytes;
  if (end > bytes.length) throw refuse(`${dataBytes} bytes of items announced, but ${bytes.length - dataOffset} found`);
  if (
    latin1(bytes, end, Math.min(bytes.length, end + MAX_HEADER_BYTES))
      .trimStart()
      .startsWith('{')
  )
    throw refuse('a file of several images is not supported');
  return { dtype, shape, data: itemsFromBytes(dtype, bytes.subarray(dataOffset, end), order === 'highbytefirst') };
}

/** The entries by key in lower case; the items begin after the line with the closing brace. */
function readHeader(bytes: Uint8Array): { header: Map<string, string>; dataOffset: number } {
  const text = latin1(bytes, 0, Math.min(bytes.length, MAX_HEADER_BYTES));
  const open = text.search(/\S/);
  if (open < 0 || text[open] !== '{') throw refuse('the file does not begin with a header in braces');
  const close = /\}\r?\n/.exec(text);
  if (!close) throw refuse(`the EDF header does not end within ${Math.min(bytes.length, MAX_HEADER_BYTES)} bytes`);
  const header = new Map<string, string>();
  for (const entry of text.slice(open + 1, close.index).split(';')) {
    const equals = entry.indexOf('=');
    if (equals > 0) header.set(entry.slice(0, equals).trim().toLowerCase(), entry.slice(equals + 1).trim());
  }
  return { header, dataOffset: close.index + close[0].length };
}

function sideOf(name: string, text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw refuse(`${name} is "${text.slice(0, 40)}", expected a number of items`);
  return Number(text);
}
