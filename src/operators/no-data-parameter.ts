import type { DType } from '../frame/dtype.js';
import { noDataInWords } from '../frame/no-data.js';

/** A parameter that operators share. */
export interface NoDataParams {
  /** Treat integers that mean "no data" as missing (`frame/no-data.ts`). Default true. */
  readonly noData?: boolean;
}

/** JSON Schema of the parameter `noData`. */
export const NO_DATA_SCHEMA = {
  type: 'boolean',
  default: true,
  description:
    'treat the largest value of an unsigned integer type and negative values of a signed one as no data; false: as ordinary values',
} as const;

/** The note of `millrace validate` about it, for frames of a dtype. */
export function noDataNotes(dtype: DType | undefined, { noData = true }: NoDataParams, treatment = 'left out'): string[] {
  const words = noDataInWords(dtype);
  return noData && words !== undefined ? [`no data: ${words}, ${treatment} (noData: false treats them as values)`] : [];
}
