/** Keeps nothing but the ends of series: one frame for each. */
export default {
  type: 'ends',
  description: 'test',
  flushes: true,
  passes: false,
  parameters: { type: 'object', properties: {} },
  create() {
    return {
      process() {},
      flush(out) {
        out.emit(out.create({ shape: [1], dtype: 'uint8' }));
      },
    };
  },
};
