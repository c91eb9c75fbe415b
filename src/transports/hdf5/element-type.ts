import type { DType } from '../../frame/dtype.js';
import { damaged, NotUnderstood } from './damaged.js';
import { StructureBytes } from './structure-bytes.js';

/** The types of the items of a dataset, in the file and in frames. */
export interface ElementType {
  readonly dtype: DType;
  readonly bytes: number;
  readonly bigEndian: boolean;
  /** 16-bit floats, which frames have as float32. */
  readonly half: boolean;
}

const CLASSES = [
  'integer',
  'float',
  'time',
  'string',
  'bit field',
  'opaque',
  'compound',
  'reference',
  'enumeration',
  'variable length',
  'array',
  'complex',
];
const INTEGER = 0;
const FLOAT = 1;
const BIT_FIELD = 4;
const ENUMERATION = 8;
/** Exponent location and size, mantissa location and size, exponent bias. */
const IEEE: Record<number, string> = { 2: '10,5,0,10,15', 4: '23,8,0,23,127', 8: '52,11,0,52,1023' };

/**
 * The type of a datatype message. Throws ERR_FORMAT for a type that is not a number, NotUnderstood for a number of
 * unusual bits.
 */
export function readElementType(message: Uint8Array): ElementType {
  const bytes = new StructureBytes(message, 'datatype');
  const first = bytes.u8();
  const kind = first & 15;
  const flags = bytes.u8();
  bytes.skip(2);
  const size = bytes.u32();
  if (kind === ENUMERATION) return readElementType(bytes.take(bytes.left));
  if (kind !== INTEGER && kind !== FLOAT && kind !== BIT_FIELD)
    throw damaged(`items of type ${CLASSES[kind] ?? kind} are not pixels: only integers and floats are supported`);
  const bitOffset = bytes.u16();
  const precision = bytes.u16();
  const bigEndian = (flags & 1) !== 0;
  if (bitOffset !== 0 || precision !== size * 8) throw new NotUnderstood(`a number of ${precision} bits in ${size} bytes`);
  if (kind === FLOAT) {
    const layout = [bytes.u8(), bytes.u8(), bytes.u8(), bytes.u8(), bytes.u32()].join(',');
    if (IEEE[size] !== layout || flags & 0x40) throw damaged(`a float of ${precision} bits that is not IEEE 754 (binary16, 32 or 64)`);
    return { dtype: size === 8 ? 'float64' : 'float32', bytes: size, bigEndian, half: size === 2 };
  }
  if (![1, 2, 4, 8].includes(size)) throw damaged(`an integer of ${size} bytes`);
  const signed = kind === INTEGER && (flags & 8) !== 0;
  return { dtype: `${signed ? '' : 'u'}int${size * 8}` as DType, bytes: size, bigEndian, half: false };
}
