import type { DType, TypedArray } from '../frame/dtype.js';

/** What a file reader gives: items in C order and in the byte order of this machine, `data` of the type that `dtype` names. */
export interface DenseArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}
