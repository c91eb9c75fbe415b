/**
 * The element types of frames, by numpy's names, little-endian and in C order. `bytes` is an opaque payload. Slot
 * headers contain the number of each (docs/internals/slot.md), which never changes.
 */
export const DTYPES = ['bytes', 'uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'uint64', 'int64', 'float32', 'float64'] as const;

export type DType = (typeof DTYPES)[number];

export type TypedArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

const SIZES: Record<DType, number> = {
  bytes: 1,
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  uint64: 8,
  int64: 8,
  float32: 4,
  float64: 8,
};

const ARRAYS = {
  bytes: Uint8Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  uint64: BigUint64Array,
  int64: BigInt64Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

export const dtypeCode = (dtype: DType): number => DTYPES.indexOf(dtype);
export const itemSize = (dtype: DType): number => SIZES[dtype];
export const isDType = (name: unknown): name is DType => typeof name === 'string' && Object.hasOwn(SIZES, name);

/** A typed view; `offset` in bytes must be a multiple of the item size, `length` counts items. */
export function typedView(dtype: DType, buffer: ArrayBufferLike, offset: number, length: number): TypedArray {
  return new ARRAYS[dtype](buffer as ArrayBuffer, offset, length);
}

/** Whether the value can be the items of a frame: a typed array whose items have a known dtype. */
export function isTypedArray(value: unknown): value is TypedArray {
  for (const dtype of DTYPES) if (value instanceof ARRAYS[dtype]) return true;
  return false;
}

/** The dtype of a typed array (`uint8` for a Uint8Array or Buffer). */
export function dtypeOf(array: TypedArray): DType {
  for (const dtype of DTYPES) if (dtype !== 'bytes' && array instanceof ARRAYS[dtype]) return dtype;
  throw new TypeError('not a typed array of a known dtype');
}

/** Number of items of a shape; 1 for the empty shape. */
export function itemCount(shape: readonly number[]): number {
  let items = 1;
  for (const side of shape) items *= side;
  return items;
}

export const byteLength = (dtype: DType, shape: readonly number[]): number => itemCount(shape) * SIZES[dtype];

/** Maximum number of dimensions that a slot header can store. */
export const MAX_DIMENSIONS = 4;
/** Maximum size of a dimension: a slot header stores each as an Int32. */
export const MAX_SIDE = 2 ** 31 - 1;
