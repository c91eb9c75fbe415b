// Works for so many milliseconds on each frame.
export default function ({ ms = 1 }) {
  return {
    process(frame, out) {
      for (const until = performance.now() + ms; performance.now() < until; );
      out.emit(frame);
    },
  };
}
