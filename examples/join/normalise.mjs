// Behind a join as list: divides a frame by the count that belongs to it. Without any count it is filtered.
// A definition, as `defineOperator` of millrace/operator takes it, since the results are larger than the frames.
export default {
  type: 'normalise',
  description: 'Divides by the count of the monitor.',
  parameters: { type: 'object', additionalProperties: false, properties: {} },
  prepare: (_, { shape, maxInputBytes }) => ({ shape, dtype: 'float32', maxOutputBytes: 4 * maxInputBytes }),
  create: () => ({
    process(frame, out) {
      const [, count] = frame.joined;
      const monitored = count.data[0];
      if (!(monitored > 0)) return;
      const made = out.create({ shape: frame.shape, dtype: 'float32', meta: { monitored } });
      for (let i = 0; i < frame.data.length; i++) made.data[i] = frame.data[i] / monitored;
      out.emit(made);
    },
  }),
};
