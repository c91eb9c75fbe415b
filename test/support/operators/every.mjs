/** Keeps the ordinals that leave `at` by `n`, without a copy. */
export default function every({ n = 2, at = 0 }) {
  return {
    process(frame, out) {
      if (frame.ordinal % n === at) out.emit(frame);
    },
  };
}
