import { MillraceError } from '../errors/errors.js';
import { type DType, itemSize, MAX_DIMENSIONS, MAX_SIDE, type TypedArray, typedView } from '../frame/dtype.js';

/** Text of a piece of a file. Uses a Buffer because TextDecoder refuses shared memory. */
export function latin1(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', start, end);
}

export function formatError(format: string, detail: string, cause?: unknown): MillraceError {
  return new MillraceError('ERR_FORMAT', `${format}: ${detail}`, cause === undefined ? undefined : { cause });
}

/**
 * Exact number of bytes of a shape, or a reason why a file or message cannot have it. The sizes are untrusted: the
 * product is checked step by step, before any allocation.
 */
export function checkedByteLength(dtype: DType, shape: readonly unknown[]): number | string {
  if (shape.length > MAX_DIMENSIONS) return `${shape.length} dimensions, but the maximum is ${MAX_DIMENSIONS}`;
  let lengthBytes = itemSize(dtype);
  for (const side of shape) {
    if (typeof side !== 'number' || !Number.isSafeInteger(side) || side < 0)
      return 'a dimension of the shape is not a non-negative integer';
    lengthBytes *= side;
    if (!Number.isSafeInteger(lengthBytes)) return 'the shape is larger than any memory';
    // With a dimension of 0 the product does not limit the others, and a slot header stores each in one word.
    if (side > MAX_SIDE) return `a dimension of the shape is over ${MAX_SIDE}`;
  }
  return lengthBytes;
}

/** Converts file bytes to items, always a copy: files give no alignment, and the caller may reuse its buffer. */
export function itemsFromBytes(dtype: DType, bytes: Uint8Array, bigEndian: boolean): TypedArray {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  const size = itemSize(dtype);
  const buffer = Buffer.from(copy.buffer);
  if (bigEndian && size === 2) buffer.swap16();
  if (bigEndian && size === 4) buffer.swap32();
  if (bigEndian && size === 8) buffer.swap64();
  return typedView(dtype, copy.buffer, 0, copy.length / size);
}
