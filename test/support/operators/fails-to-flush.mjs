/** Sums up all frames of a series; the result never comes. With `onceOf`, only that of the series with this id. */
export default {
  type: 'fails-to-flush',
  description: 'test',
  parameters: { type: 'object', properties: { onceOf: {} } },
  stateful: true,
  merges: true,
  flushes: true,
  create({ onceOf }) {
    let held = 0;
    let series;
    return {
      onStart({ id }) {
        series = id;
        held = 0;
      },
      process() {
        held++;
      },
      flush(out) {
        if (onceOf === undefined || series === onceOf) throw new Error('never');
        const made = out.create({ shape: [1], dtype: 'uint16' });
        made.data[0] = held;
        out.emit(made);
      },
    };
  },
};
