/** Hands frames on; throws on those whose ordinal leaves `at` by `every`, `times` times for each. Without `every` on all. `later`: rejects in place of it. */
export default {
  type: 'flaky',
  description: 'test',
  parameters: {
    type: 'object',
    properties: {
      every: { type: 'integer' },
      at: { type: 'integer' },
      times: { type: 'integer' },
      output: { type: 'integer' },
      later: { type: 'boolean' },
    },
  },
  create({ every = 1, at = 0, times = 1, output = 0, later = false }) {
    const failed = new Map();
    return {
      process(frame, out) {
        const before = failed.get(frame.ordinal) ?? 0;
        if (frame.ordinal % every === at && (frame.meta.output ?? 0) === output && before < times) {
          failed.set(frame.ordinal, before + 1);
          const error = new Error('cannot');
          if (later) return new Promise((_, reject) => setTimeout(() => reject(error), 1));
          throw error;
        }
        out.emit(frame);
        return undefined;
      },
    };
  },
};
