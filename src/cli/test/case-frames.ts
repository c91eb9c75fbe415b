import { type DType, itemCount, itemSize, MAX_DIMENSIONS, type TypedArray, typedView } from '../../frame/dtype.js';
import { openFrameFile } from '../../ingress/file/frame-file.js';

/** A frame that a test gives or expects. */
export interface CaseFrame {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

/** Reports what is wrong, and where in the list of frames. */
export type Complain = (message: string, path: readonly number[]) => void;

const WHOLE: Partial<Record<DType, readonly [least: bigint, most: bigint]>> = {
  uint8: [0n, 0xffn],
  int8: [-0x80n, 0x7fn],
  uint16: [0n, 0xffffn],
  int16: [-0x8000n, 0x7fffn],
  uint32: [0n, 0xffff_ffffn],
  int32: [-0x8000_0000n, 0x7fff_ffffn],
  uint64: [0n, 0xffff_ffff_ffff_ffffn],
  int64: [-0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn],
};

/** Frames as lists of numbers, nested to the dimensions of a frame. */
export function framesOfLists(frames: readonly unknown[], dtype: DType, complain: Complain): CaseFrame[] {
  return frames.flatMap((frame, index) => {
    const shape = shapeOf(frame);
    if (shape.length === 0 || shape.length > MAX_DIMENSIONS) {
      complain(`a frame is a list of numbers, nested at most ${MAX_DIMENSIONS} times`, [index]);
      return [];
    }
    const data = typedView(dtype, new ArrayBuffer(itemCount(shape) * itemSize(dtype)), 0, itemCount(shape));
    let at = 0;
    const fill = (value: unknown, depth: number, path: readonly number[]): boolean => {
      if (depth === shape.length) {
        const reason = reasonAgainst(value, dtype);
        if (reason !== undefined) complain(reason, path);
        else data[at++] = typeof data[0] === 'bigint' ? BigInt(value as number) : (value as number);
        return reason === undefined;
      }
      if (Array.isArray(value) && value.length === shape[depth])
        return value.every((inner: unknown, item) => fill(inner, depth + 1, [...path, item]));
      complain(`the rows of a frame have equal lengths: expected a list of ${shape[depth]}`, path);
      return false;
    };
    return fill(frame, 0, [index]) ? [{ dtype, shape, data }] : [];
  });
}

function shapeOf(value: unknown): number[] {
  const shape: number[] = [];
  for (let at = value; Array.isArray(at); at = at[0]) shape.push(at.length);
  return shape;
}

function reasonAgainst(value: unknown, dtype: DType): string | undefined {
  if (typeof value !== 'number') return `expected a number, not ${JSON.stringify(value)}`;
  const range = WHOLE[dtype];
  if (!range) return undefined;
  if (!Number.isInteger(value) || BigInt(value) < range[0] || BigInt(value) > range[1]) return `${value} does not fit into ${dtype}`;
  return undefined;
}

/** All frames of a file in any format that the source `file` reads. */
export async function framesOfFile(file: string, dataset?: string): Promise<CaseFrame[]> {
  const opened = await openFrameFile(file, dataset);
  try {
    const { dtype, shape, count } = opened;
    const frames: CaseFrame[] = [];
    for (let index = 0; index < count; index++) {
      const bytes = Uint8Array.from(await opened.read(index)); // read() may reuse its memory.
      frames.push({ dtype, shape, data: typedView(dtype, bytes.buffer, 0, itemCount(shape)) });
    }
    return frames;
  } finally {
    await opened.close();
  }
}

/** One frame `[n, ...rest]` as n frames: a file does not say whether a table is one frame or a stack of rows. */
export function asStack(frame: CaseFrame): CaseFrame[] {
  const [count = 0, ...shape] = frame.shape;
  const items = itemCount(shape);
  return Array.from({ length: count }, (_, index) => ({
    dtype: frame.dtype,
    shape,
    data: frame.data.subarray(index * items, (index + 1) * items) as TypedArray,
  }));
}
