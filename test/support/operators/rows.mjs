/** A row of four numbers that prove each other, from any frame: which run, which frame, and two that follow from them. */
export default ({ run }) => ({
  process(frame, out) {
    const made = out.create({ shape: [4, 1], dtype: 'float64', columns: ['run', 'number', 'double', 'both'] });
    made.data.set([run, frame.sequence, 2 * frame.sequence, run * 1e9 + frame.sequence]);
    out.emit(made);
  },
});
