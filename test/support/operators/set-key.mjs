/** Gives every `at`th number another value of the key `detector`, as a frame of its own. */
export default {
  type: 'set-key',
  description: 'test',
  async: false,
  parameters: { type: 'object', properties: { at: { type: 'integer' }, to: { type: 'string' } } },
  create({ at, to }) {
    return {
      process(frame, out) {
        if (frame.sequence % at !== 0) {
          out.emit(frame);
          return;
        }
        const made = out.create({ shape: frame.shape, dtype: frame.dtype, meta: { detector: to } });
        made.data.set(frame.data);
        out.emit(made);
      },
    };
  },
};
