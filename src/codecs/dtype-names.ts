import { DTYPES, type DType } from '../frame/dtype.js';

/** The name of a dtype in a message. */
export interface NamedDType {
  readonly dtype: DType;
  /** The byte order given by the name; absent if it gives none. */
  readonly bigEndian?: boolean;
}

/**
 * numpy's other names, and its codes of kind and size. Names whose size depends on the machine (`int_`, `long`, `l`)
 * are excluded.
 */
const NAMES: Readonly<Record<string, DType>> = {
  bool: 'uint8',
  bool_: 'uint8',
  b1: 'uint8',
  '?': 'uint8',
  u1: 'uint8',
  B: 'uint8',
  ubyte: 'uint8',
  i1: 'int8',
  b: 'int8',
  byte: 'int8',
  u2: 'uint16',
  H: 'uint16',
  ushort: 'uint16',
  i2: 'int16',
  h: 'int16',
  short: 'int16',
  u4: 'uint32',
  I: 'uint32',
  uintc: 'uint32',
  i4: 'int32',
  i: 'int32',
  intc: 'int32',
  u8: 'uint64',
  Q: 'uint64',
  ulonglong: 'uint64',
  i8: 'int64',
  q: 'int64',
  longlong: 'int64',
  int: 'int64',
  f4: 'float32',
  f: 'float32',
  single: 'float32',
  f8: 'float64',
  d: 'float64',
  double: 'float64',
  float: 'float64',
};
for (const dtype of DTYPES) (NAMES as Record<string, DType>)[dtype] = dtype;

const MAX_NAME_CHARACTERS = 40;

/** The accepted names, for error messages. */
export const DTYPE_NAMES_TAKEN = `accepted are ${DTYPES.slice(1).join(', ')}, bool, and numpy's codes such as "<u2", ">f4", "|u1"`;

/**
 * A name of numpy: `uint16`, `<u2`, `dtype('uint16')`, `<class 'numpy.uint16'>`, `float`. Undefined for a name that is
 * not accepted.
 */
export function readDTypeName(name: unknown): NamedDType | undefined {
  if (typeof name !== 'string' || name.length > MAX_NAME_CHARACTERS) return undefined;
  const bare = /^(?:dtype\('([^']*)'\)|<class '([^']*)'>)$/.exec(name);
  const text = (bare?.[1] ?? bare?.[2] ?? name).replace(/^(?:numpy|np)\./, '');
  const order = /^[<>=|]/.exec(text)?.[0];
  const known = order ? text.slice(1) : text;
  if (!Object.hasOwn(NAMES, known)) return undefined;
  const dtype = NAMES[known]!;
  return order === '<' || order === '>' ? { dtype, bigEndian: order === '>' } : { dtype };
}
