// Looks at a frame and hands it on: what is left is the cost of the stage. `times: 2` waits about as long again.
export default function ({ times = 1 }) {
  return {
    process(frame, out) {
      if (frame.bytes[0] === 256) return;
      if (times > 1) for (const until = performance.now() + 0.05; performance.now() < until; );
      out.emit(frame);
    },
  };
}
