import type { Operator } from '../../../src/operators/operator.js';

/** Reads the two ends of a frame and hands it on: next to nothing to do, so that what is left is the engine. */
export default function touch(): Operator {
  let sum = 0;
  return {
    process(frame, out) {
      const { data } = frame;
      sum = (sum + (data[0] as number) + (data[data.length - 1] as number)) | 0;
      out.emit(frame);
    },
  };
}
