/** Hands every frame on; its thread ends when the series does. */
export default function diesAtEnd() {
  return {
    process(frame, out) {
      out.emit(frame);
    },
    flush() {
      process.exit(3);
    },
  };
}
