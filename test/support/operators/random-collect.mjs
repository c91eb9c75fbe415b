import { numberOf } from './random-fates.mjs';

/** How often each number came: uint16 [4096], of a series or of a source, by any number of workers. */
const NUMBERS = 4096;
export default {
  type: 'random-collect',
  description: 'test',
  merges: true,
  flushes: true,
  passes: false,
  async: false,
  parameters: { type: 'object', properties: { salt: { type: 'integer' }, weights: { type: 'object' } } },
  prepare: () => ({ partialBytes: 2 * NUMBERS, maxOutputBytes: 2 * NUMBERS, shape: [NUMBERS], dtype: 'uint16' }),
  create(_, { partial }) {
    let sums = new Uint16Array(NUMBERS);
    return {
      process(frame) {
        new Uint16Array(partial.data.buffer, partial.address, NUMBERS)[numberOf(frame)]++;
      },
      merge(parts) {
        sums = new Uint16Array(NUMBERS);
        for (const part of parts) {
          const counts = new Uint16Array(part.buffer, part.byteOffset, NUMBERS);
          for (let n = 0; n < NUMBERS; n++) sums[n] += counts[n];
        }
      },
      flush(out) {
        const made = out.create({ shape: [NUMBERS], dtype: 'uint16' });
        made.data.set(sums);
        out.emit(made);
      },
    };
  },
};
