import type { Operator } from '../../../src/operators/operator.js';

/** Adds every fourth item of a frame, so that all of it is read in about ten microseconds, and hands it on if the sum is not negative, which it never is for uint8. */
export default function sum(): Operator {
  return {
    process(frame, out) {
      const data = frame.data as Uint8Array;
      let total = 0;
      for (let i = 0; i < data.length; i += 4) total += data[i]!;
      if (total >= 0) out.emit(frame);
    },
  };
}
