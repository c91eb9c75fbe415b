// Keeps a frame when enough of its pixels are bright.
/** @returns {import('millrace/operator').Operator} */
export default function hitFinder({ level = 20, pixels = 8 }) {
  return {
    process(frame, out) {
      let bright = 0;
      for (const value of frame.data) if (value > level) bright++;
      if (bright >= pixels) out.emit(frame);
    },
  };
}
