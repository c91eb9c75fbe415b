import { setTimeout as delay } from 'node:timers/promises';

/** Takes up to `ms`, less for every other frame, so that frames overtake each other; notes in meta how many were under way. */
export default function slowAsync({ ms = 5 }) {
  let busy = 0;
  return {
    async process(frame, out) {
      busy++;
      const made = out.create({ shape: frame.shape, dtype: frame.dtype, meta: { busy } });
      made.data.set(frame.data);
      await delay(frame.ordinal % 2 ? 1 : ms);
      busy--;
      out.emit(made);
    },
  };
}
