import { npyHeader, readNpyHeader } from '../../codecs/npy.js';
import { type DType, itemCount, itemSize } from '../../frame/dtype.js';
import type { FrameFormat } from './frame-format.js';

const MAX_HEADER_BYTES = 512;

/**
 * NPY: one frame, or a stack of frames of one shape and dtype. A stack starts with a header that gives no frames and
 * leaves room for any number; the number is written when the file is complete.
 */
export function npyFormat(rolled: boolean): FrameFormat {
  return {
    layout: (frame) => (rolled ? JSON.stringify([frame.dtype, ...frame.shape]) : ''),
    begin: (frame) => (rolled ? npyHeader(frame.dtype, [0, ...frame.shape], true) : npyHeader(frame.dtype, frame.shape)),
    encode: (frame) => [frame.bytes],
    ...(rolled && {
      finish(layout: string, frames: number) {
        const [dtype, ...shape] = JSON.parse(layout) as [DType, ...number[]];
        return npyHeader(dtype, [frames, ...shape], true);
      },
    }),
    async recover(handle, sizeBytes) {
      const start = Buffer.alloc(Math.min(MAX_HEADER_BYTES, sizeBytes));
      await handle.read(start, 0, start.length, 0);
      let header: ReturnType<typeof readNpyHeader>;
      try {
        header = readNpyHeader(start);
      } catch {
        return { wholeBytes: 0, complete: false };
      }
      const { dtype, shape, dataOffset } = header;
      if (!rolled) {
        const complete = sizeBytes === dataOffset + header.dataBytes;
        return { wholeBytes: complete ? sizeBytes : 0, complete };
      }
      const frameShape = shape.slice(1);
      const frameBytes = itemCount(frameShape) * itemSize(dtype);
      const frames = frameBytes > 0 ? Math.floor((sizeBytes - dataOffset) / frameBytes) : 0;
      const wholeBytes = frames > 0 ? dataOffset + frames * frameBytes : 0;
      return { wholeBytes, complete: wholeBytes === sizeBytes, head: npyHeader(dtype, [frames, ...frameShape], true) };
    },
  };
}
