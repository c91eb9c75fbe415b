// One number for a frame: the sum of its items.
export default function sum() {
  return {
    process(frame, out) {
      let total = 0;
      for (const value of frame.data) total += value;
      const made = out.create({ shape: [1], dtype: 'float64' });
      made.data[0] = total;
      out.emit(made);
    },
  };
}
