/** Passes a copy on with the number of its worker in the meta; waits `spinUs`. Its state concerns one key at a time. */
export default {
  type: 'who',
  description: 'test',
  stateful: true,
  keyed: true,
  parameters: { type: 'object', properties: { spinUs: { type: 'number' } } },
  create({ spinUs = 0 }, { worker }) {
    return {
      process(frame, out) {
        if (spinUs > 0) for (const until = performance.now() + spinUs / 1e3; performance.now() < until; );
        const made = out.create({ shape: frame.shape, dtype: frame.dtype, meta: { worker } });
        made.data.set(frame.data);
        out.emit(made);
      },
    };
  },
};
