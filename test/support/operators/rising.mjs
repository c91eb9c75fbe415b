/**
 * Throws unless the ordinals of each source rise (modulo 2^32), and with `dense` unless each is the one before plus one.
 * A frame that comes twice does not rise. Ordinals are those of the engine; with `numbers` the sender's sequence must rise too.
 */
export default function rising({ dense = false, numbers = false }) {
  const last = new Map();
  return {
    process(frame, out) {
      const seen = last.get(frame.source);
      if (seen) {
        const step = (frame.ordinal - seen.ordinal) | 0;
        if (step <= 0) throw new Error(`${frame.source}: ordinal ${frame.ordinal} came after ${seen.ordinal}`);
        if (dense && step !== 1) throw new Error(`${frame.source}: ordinal ${frame.ordinal} came ${step} after ${seen.ordinal}`);
        if (numbers && frame.sequence <= seen.sequence)
          throw new Error(`${frame.source}: sequence ${frame.sequence} came after ${seen.sequence}`);
      }
      last.set(frame.source, { ordinal: frame.ordinal, sequence: frame.sequence });
      out.emit(frame);
    },
  };
}
