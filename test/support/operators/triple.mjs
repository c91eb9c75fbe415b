/** Each input becomes `n` frames (default 3): the input times 1, 2, 3 in the first item. */
export default {
  type: 'triple',
  description: 'test',
  maxOutputs: 3,
  passes: false,
  parameters: { type: 'object', properties: { n: { type: 'integer' } } },
  create({ n = 3 }) {
    return {
      process(frame, out) {
        for (let i = 1; i <= n; i++) {
          const made = out.create({ shape: frame.shape, dtype: frame.dtype });
          made.data.set(frame.data);
          made.data[0] = frame.data[0] * i;
          out.emit(made);
        }
      },
    };
  },
};
