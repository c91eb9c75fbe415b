/** Throws when a source's sequence (less than 2^27) comes a second time. Order is of no concern. */
export default function once() {
  const seen = new Map();
  return {
    process(frame, out) {
      let bits = seen.get(frame.source);
      if (!bits) {
        bits = new Uint8Array(2 ** 24);
        seen.set(frame.source, bits);
      }
      const { sequence } = frame;
      if ((bits[sequence >> 3] >> (sequence & 7)) & 1) throw new Error(`${frame.source}: sequence ${sequence} came twice`);
      bits[sequence >> 3] |= 1 << (sequence & 7);
      out.emit(frame);
    },
  };
}
