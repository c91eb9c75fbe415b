import { setTimeout as delay } from 'node:timers/promises';

/** As paired, several events at a time, so that later ones overtake earlier ones. */
export default function pairedAsync({ ms = 2 }) {
  return {
    async process(frame, out) {
      const joined = frame.joined.map(({ source, ordinal, sequence, timestamp, data }) => [source, ordinal, sequence, timestamp, data[0]]);
      const made = out.create({ shape: frame.shape, dtype: frame.dtype, meta: { joined } });
      made.data.set(frame.data);
      await delay(frame.ordinal % 2 ? 0 : ms);
      if (frame.joined.some(({ data }, i) => data[0] !== joined[i][4])) throw new Error('a frame of the event changed meanwhile');
      out.emit(made);
    },
  };
}
