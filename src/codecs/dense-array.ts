import type { DType, TypedArray } from '../frame/dtype.js';

/**
 * The result of a file reader: items in C order and in the byte order of this machine; `dtype` names the type of
 * `data`.
 */
export interface DenseArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}
