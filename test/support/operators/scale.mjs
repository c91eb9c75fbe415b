/** Multiplies by `by`; `meta` tells which series it has heard of, and how often it heard. */
export default {
  type: 'scale',
  description: 'test',
  updates: true,
  async: false,
  parameters: { type: 'object', additionalProperties: false, properties: { by: { type: 'number' } } },
  create({ by }) {
    const heard = [];
    return {
      onStart({ id }) {
        heard.push(id);
      },
      process(frame, out) {
        const made = out.create({ shape: frame.shape, dtype: frame.dtype, meta: { by, heard: [...heard] } });
        for (let i = 0; i < frame.data.length; i++) made.data[i] = by * frame.data[i];
        out.emit(made);
      },
    };
  },
};
