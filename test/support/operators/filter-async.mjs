import { setTimeout as delay } from 'node:timers/promises';

/** Takes a millisecond, and keeps every third frame. */
export default function filterAsync() {
  return {
    async process(frame, out) {
      await delay(1);
      if (frame.ordinal % 3 !== 0) return;
      const made = out.create({ shape: frame.shape, dtype: frame.dtype });
      made.data.set(frame.data);
      out.emit(made);
    },
  };
}
