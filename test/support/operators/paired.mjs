/** Behind a join as list: a copy of the first frame whose meta says what came together. Busy for `busyMs`; with `passes` the frame itself. */
export default function paired({ busyMs = 0, passes = false }) {
  return {
    process(frame, out) {
      if (frame.joined?.[0] !== frame) throw new Error('the first frame is not the first of the event');
      const until = performance.now() + busyMs;
      while (performance.now() < until);
      if (passes) {
        out.emit(frame);
        return;
      }
      const joined = frame.joined.map(({ source, ordinal, sequence, timestamp, data }) => [source, ordinal, sequence, timestamp, data[0]]);
      const made = out.create({ shape: frame.shape, dtype: frame.dtype, meta: { joined } });
      made.data.set(frame.data);
      out.emit(made);
    },
  };
}
