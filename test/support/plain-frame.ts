import { type DType, dtypeOf, itemCount, itemSize, type TypedArray, typedView } from '../../src/frame/dtype.js';
import type { Frame, Meta } from '../../src/frame/frame.js';

export interface PlainFrameOptions {
  source?: string;
  ordinal?: number;
  sequence?: number;
  timestamp?: number;
  meta?: Meta;
  dtype?: DType;
}

/** A frame over memory of its own, as an operator or a sink sees one. */
export function plainFrame(shape: readonly number[], items: TypedArray | readonly number[], options: PlainFrameOptions = {}): Frame {
  const dtype = options.dtype ?? (Array.isArray(items) ? 'float64' : dtypeOf(items as TypedArray));
  const count = itemCount(shape);
  const memory = new SharedArrayBuffer(Math.max(1, count * itemSize(dtype)));
  const data = typedView(dtype, memory, 0, count);
  if (items.length !== count) throw new Error(`${items.length} items for the shape [${shape.join(', ')}]`);
  for (let index = 0; index < count; index++) data[index] = items[index]!;
  const ordinal = options.ordinal ?? 0;
  return {
    source: options.source ?? 'detector',
    ordinal,
    sequence: options.sequence ?? ordinal,
    timestamp: options.timestamp ?? Number.NaN,
    shape,
    dtype,
    data,
    bytes: new Uint8Array(memory, 0, count * itemSize(dtype)),
    address: 0,
    meta: options.meta ?? {},
    parameters: '',
  };
}
