/** Writes into `meta` what it heard of the series of each frame; waits `spinUs` on each. */
export default {
  type: 'series-aware',
  description: 'test',
  parameters: { type: 'object', properties: { spinUs: { type: 'number' } } },
  create({ spinUs = 0 }) {
    let heard;
    return {
      onStart(series) {
        heard = series;
      },
      process(frame, out) {
        if (spinUs > 0) for (const until = performance.now() + spinUs / 1e3; performance.now() < until; );
        const made = out.create({
          shape: frame.shape,
          dtype: frame.dtype,
          meta: { heard: heard?.id ?? null, expected: heard?.expected ?? null, sample: heard?.meta.sample ?? null },
        });
        made.data.set(frame.data);
        out.emit(made);
      },
    };
  },
};
