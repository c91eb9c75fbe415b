import { DTYPES, dtypeCode } from '../frame/dtype.js';
import { oncePerMemory } from './once-per-memory.js';

/** Code of the items that `wide-items.ts` makes of integers of 64 bits: float64, outside of the shared memory. */
export const WIDE = DTYPES.length;

/** One typed view of each kind over a whole memory. Index = byte address / item size. */
export interface MemoryViews {
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  /** The view for items of a dtype, by its code; undefined for bytes and 64-bit integers, which are made `WIDE` before. */
  readonly byDtype: (NumericView | undefined)[];
}

export type NumericView = Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array;

/** Views a memory once, for all kernels, so that none allocates per call. The memory must not grow afterwards. */
export const memoryViews = oncePerMemory((memory): MemoryViews => {
  const { buffer } = memory;
  const byDtype: (NumericView | undefined)[] = [];
  const u8 = new Uint8Array(buffer);
  const u16 = new Uint16Array(buffer);
  const u32 = new Uint32Array(buffer);
  const i32 = new Int32Array(buffer);
  const f32 = new Float32Array(buffer);
  const f64 = new Float64Array(buffer);
  byDtype[dtypeCode('uint8')] = u8;
  byDtype[dtypeCode('int8')] = new Int8Array(buffer);
  byDtype[dtypeCode('uint16')] = u16;
  byDtype[dtypeCode('int16')] = new Int16Array(buffer);
  byDtype[dtypeCode('uint32')] = u32;
  byDtype[dtypeCode('int32')] = i32;
  byDtype[dtypeCode('float32')] = f32;
  byDtype[dtypeCode('float64')] = f64;
  byDtype[WIDE] = new Float64Array(0);
  return { u8, u16, u32, i32, f32, f64, byDtype };
});

/** The view for a dtype code. Throws a RangeError for one that kernels do not take: operators refuse such frames before. */
export function numericView(views: MemoryViews, dtype: number): NumericView {
  const view = views.byDtype[dtype];
  if (!view) throw new RangeError(`no kernel takes dtype code ${dtype}`);
  return view;
}
