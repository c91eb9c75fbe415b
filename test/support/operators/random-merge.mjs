import { numberOf } from './random-fates.mjs';

/** How often each number came: uint16 [4096], of every `every` frames and of what is left at the end. */
const NUMBERS = 4096;
export default {
  type: 'random-merge',
  description: 'test',
  merges: true,
  flushes: true,
  stateful: true,
  passes: false,
  async: false,
  parameters: { type: 'object', properties: { every: { type: 'integer' } } },
  prepare: () => ({ maxOutputBytes: 2 * NUMBERS, shape: [NUMBERS], dtype: 'uint16' }),
  create({ every }) {
    let counts = new Uint16Array(NUMBERS);
    let held = 0;
    const emit = (out) => {
      const made = out.create({ shape: [NUMBERS], dtype: 'uint16' });
      made.data.set(counts);
      counts = new Uint16Array(NUMBERS);
      held = 0;
      out.emit(made);
    };
    return {
      process(frame, out) {
        counts[numberOf(frame)]++;
        if (++held === every) emit(out);
      },
      flush(out) {
        if (held > 0) emit(out);
      },
    };
  },
};
