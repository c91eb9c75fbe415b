/** Sum of all pixels and number of frames of a series: float64 [2]. */
export default {
  type: 'sum-and-count',
  description: 'test',
  parameters: { type: 'object' },
  merges: true,
  flushes: true,
  passes: false,
  prepare: () => ({ partialBytes: 16, maxOutputBytes: 16, shape: [2], dtype: 'float64' }),
  create(_, { partial }) {
    let sums = [0, 0];
    return {
      process(frame) {
        const held = new Float64Array(partial.data.buffer, partial.address, 2);
        held[0] += frame.data.reduce((sum, value) => sum + value, 0);
        held[1]++;
      },
      merge(parts) {
        sums = [0, 0];
        for (const part of parts) {
          const held = new Float64Array(part.buffer, part.byteOffset, 2);
          sums[0] += held[0];
          sums[1] += held[1];
        }
      },
      flush(out) {
        const made = out.create({ shape: [2], dtype: 'float64' });
        made.data.set(sums);
        out.emit(made);
      },
    };
  },
};
