import { MillraceError } from '../errors/errors.js';
import { DTYPES, type DType, dtypeCode } from '../frame/dtype.js';
import type { Frame } from '../frame/frame.js';
import { dataRange } from '../frame/no-data.js';
import { WIDE } from '../kernels/memory-views.js';
import { createWidenItems } from '../kernels/wide-items.js';

/** The items of a frame in the form that kernels take. */
export interface FrameItems {
  /** Dtype code and byte address for a kernel. */
  dtype: number;
  address: number;
  pixels: number;
  /** Values below `lowest` or above `highest`, NaN and infinities are no data. */
  lowest: number;
  highest: number;
  /** Whether `lowest` and `highest` restrict more than finiteness. */
  limited: boolean;
}

const CODES = new Map<DType, number>(DTYPES.map((dtype) => [dtype, dtypeCode(dtype)]));

/**
 * Returns the items of one frame after another, in one object that is reused. 64-bit integers are converted to float64,
 * with NaN for no data; they are valid until the next frame of any operator of the thread.
 * @throws ERR_OPERATOR_INPUT for opaque bytes, and for an integer beyond ±2^53
 */
export function createFrameItems(type: string, memory: WebAssembly.Memory, noData: boolean): (frame: Frame) => Readonly<FrameItems> {
  const widen = createWidenItems(memory);
  const items: FrameItems = { dtype: 0, address: 0, pixels: 0, lowest: 0, highest: 0, limited: false };
  return (frame) => {
    const { dtype, address, data } = frame;
    if (dtype === 'bytes')
      throw new MillraceError('ERR_OPERATOR_INPUT', `${type}: cannot process a frame of dtype bytes, which has no numbers`);
    items.pixels = data.length;
    if (dtype === 'int64' || dtype === 'uint64') {
      const inexact = widen(dtype, address, data.length, noData);
      if (inexact >= 0) throw inexactInteger(type, frame, inexact);
      items.dtype = WIDE;
      items.address = 0;
    } else {
      items.dtype = CODES.get(dtype)!;
      items.address = address;
    }
    const range = dataRange(items.dtype === WIDE ? 'float64' : dtype, noData);
    items.lowest = range[0];
    items.highest = range[1];
    items.limited = range[0] === 0;
    return items;
  };
}

/** The error for a 64-bit integer that float64 cannot represent. */
export function inexactInteger(type: string, { dtype, shape, data }: Frame, index: number): MillraceError {
  const place: number[] = [];
  let rest = index;
  for (const side of [...shape].reverse()) {
    place.unshift(rest % side);
    rest = Math.floor(rest / side);
  }
  return new MillraceError(
    'ERR_OPERATOR_INPUT',
    `${type}: the ${dtype} value ${data[index]} at [${place.join(', ')}] is beyond ±2^53, the limit of exact integers in float64`,
  );
}
