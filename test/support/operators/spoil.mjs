/** A copy of each frame; at ordinals that leave `at` by `every` one bit of its first byte is wrong. */
export default function spoil({ every = 10, at = 3 }) {
  return {
    process(frame, out) {
      const made = out.create({ shape: frame.shape, dtype: frame.dtype });
      made.data.set(frame.data);
      if (frame.ordinal % every === at) made.bytes[0] ^= 1;
      out.emit(made);
    },
  };
}
