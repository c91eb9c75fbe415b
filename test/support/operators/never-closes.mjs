/** Hands every frame on, and does not come back from being closed. */
export default function neverCloses() {
  return {
    process(frame, out) {
      out.emit(frame);
    },
    close() {
      for (;;);
    },
  };
}
