/** Counts each frame of a series by its number, at most 512 of them, slowly, in a partial; the result is the sum of the parts. */
export default {
  type: 'which-record',
  description: 'test',
  parameters: { type: 'object', properties: { spinUs: {} } },
  merges: true,
  flushes: true,
  passes: false,
  prepare: () => ({ partialBytes: 512, maxOutputBytes: 512, shape: [512], dtype: 'uint8' }),
  create({ spinUs = 0 }, { partial }) {
    const total = new Uint8Array(512);
    return {
      process(frame) {
        partial.data[frame.sequence]++;
        for (const until = performance.now() + spinUs / 1e3; performance.now() < until; );
      },
      merge(parts) {
        total.fill(0);
        for (const part of parts) for (let i = 0; i < 512; i++) total[i] += part[i];
      },
      flush(out) {
        const made = out.create({ shape: [512], dtype: 'uint8' });
        made.data.set(total);
        out.emit(made);
      },
    };
  },
};
