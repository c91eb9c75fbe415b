/** Hands every frame on, and throws when it is closed. */
export default function failsToClose() {
  return {
    process(frame, out) {
      out.emit(frame);
    },
    close() {
      throw new Error('the door is stuck');
    },
  };
}
