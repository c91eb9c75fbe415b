/** A new frame with the same bytes; now and then it dawdles, so that workers overtake each other. */
export default function copy({ dawdle = 0 }) {
  let state = 1;
  return {
    process(frame, out) {
      const made = out.create({ shape: frame.shape, dtype: frame.dtype });
      made.data.set(frame.data);
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      if (dawdle > 0 && state >>> 24 === 0) for (let i = 0; i < dawdle * 1000; i++) state = Math.imul(state, 5) | 1;
      out.emit(made);
    },
  };
}
