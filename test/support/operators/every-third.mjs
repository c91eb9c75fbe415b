/** Keeps the numbers that are divisible by three: records of a parcel by themselves. */
export default {
  type: 'every-third',
  description: 'test',
  async: false,
  parameters: { type: 'object' },
  create: () => ({
    process(frame, out) {
      if (frame.sequence % 3 === 0) out.emit(frame);
    },
  }),
};
