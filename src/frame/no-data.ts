import type { DType } from './dtype.js';

/** The lowest and the highest value of a dtype that is data. */
export type DataRange = readonly [lowest: number, highest: number];

/** Every finite number is data. */
export const ALL_FINITE: DataRange = [-Number.MAX_VALUE, Number.MAX_VALUE];

/** The largest float64 below 2^64: as a number, all ones of uint64 is 2^64. */
const BELOW_2_64 = 2 ** 64 - 2 ** 11;
const COUNTS: DataRange = [0, Number.MAX_VALUE];

/**
 * By convention of counting detectors an integer marks a pixel without a measured value: the largest value of an
 * unsigned type (Eiger: gaps and defects), a negative value of a signed one (Pilatus: -1 in gaps, -2 at defects). In
 * floats only non-finite values are no data.
 */
const RANGES: Readonly<Record<DType, DataRange>> = {
  bytes: ALL_FINITE,
  uint8: [0, 2 ** 8 - 2],
  int8: COUNTS,
  uint16: [0, 2 ** 16 - 2],
  int16: COUNTS,
  uint32: [0, 2 ** 32 - 2],
  int32: COUNTS,
  uint64: [0, BELOW_2_64],
  int64: COUNTS,
  float32: ALL_FINITE,
  float64: ALL_FINITE,
};

/** The values of a dtype that are data; all finite ones where `noData` is false. Does not allocate. */
export function dataRange(dtype: DType, noData: boolean): DataRange {
  return noData ? RANGES[dtype] : ALL_FINITE;
}

/** Describes the values of a dtype that mean "no data"; undefined if there are none. */
export function noDataInWords(dtype: DType | undefined): string | undefined {
  if (dtype === undefined) return 'all ones of unsigned integers, negative values of signed integers';
  const [lowest] = RANGES[dtype];
  if (lowest < 0) return undefined;
  if (dtype.startsWith('int')) return `negative values of ${dtype}`;
  return `${2n ** BigInt(dtype.slice('uint'.length)) - 1n} of ${dtype}`;
}
