// Hands every frame on as it is.
export default function () {
  return {
    process(frame, out) {
      out.emit(frame);
    },
  };
}
