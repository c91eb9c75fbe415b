/** What becomes of a frame, by its sender's number: thrown at, filtered, passed, or made anew `copies` times. */
export default {
  type: 'by-number',
  description: 'test',
  maxOutputs: 3,
  parameters: {
    type: 'object',
    properties: {
      throwAt: { type: 'integer' },
      dropAt: { type: 'integer' },
      copies: { type: 'integer' },
      copyAt: { type: 'integer' },
      meta: { type: 'boolean' },
      spinUs: { type: 'number' },
      later: { type: 'boolean' },
    },
  },
  create({ throwAt = 0, dropAt = 0, copies = 0, copyAt = 1, meta = false, spinUs = 0, later = false }) {
    const process = (frame, out) => {
      const n = frame.sequence;
      if (spinUs > 0) for (const until = performance.now() + spinUs / 1e3; performance.now() < until; );
      if (throwAt > 0 && n % throwAt === 0) throw new Error(`number ${n}`);
      if (dropAt > 0 && n % dropAt === 0) return;
      if (copies === 0 || n % copyAt !== 0) {
        out.emit(frame);
        return;
      }
      for (let i = 0; i < copies; i++) {
        const made = out.create({ shape: frame.shape, dtype: frame.dtype, ...(meta ? { meta: { n, part: i } } : {}) });
        made.data.set(frame.data);
        out.emit(made);
      }
    };
    if (!later) return { process };
    return {
      process: async (frame, out) => {
        await undefined;
        process(frame, out);
      },
    };
  },
};
