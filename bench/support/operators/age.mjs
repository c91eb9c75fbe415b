// Emits how old a frame of the source sim is when its processing starts, in milliseconds, then works until `ms` are over.
export default function ({ ms = 1, lateMs = 0 }) {
  const now = () => performance.timeOrigin + performance.now();
  const until = (end) => {
    while (now() < end);
  };
  return {
    process(frame, out) {
      const startMs = now();
      until(startMs + lateMs);
      const age = out.create({ shape: [1], dtype: 'float64' });
      age.data[0] = now() - frame.timestamp * 1e3;
      until(startMs + lateMs + ms);
      out.emit(age);
    },
  };
}
