/** Spoils a byte of each frame whose number is a multiple of `at`. */
export default {
  type: 'spoil-number',
  description: 'test',
  parameters: { type: 'object', properties: { at: { type: 'integer' } } },
  create({ at }) {
    return {
      process(frame, out) {
        const made = out.create({ shape: frame.shape, dtype: frame.dtype });
        made.data.set(frame.data);
        if (frame.sequence % at === 0) made.data[0] ^= 1;
        out.emit(made);
      },
    };
  },
};
