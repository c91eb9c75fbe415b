/** What becomes of a frame, by its ordinal alone: passed on, one new frame, three, or none. */
export const FATES = ['passed', 'one', 'three', 'filtered'];
export const fateOf = (ordinal) => FATES[Math.imul(ordinal + 1, 0x9e3779b1) >>> 30];

/** Outputs carry `4 * ordinal + number` in every word. `spin`: microseconds of work. */
export default {
  type: 'fates',
  description: 'test',
  maxOutputs: 3,
  parameters: { type: 'object', properties: { spinUs: { type: 'number' } } },
  create({ spinUs = 0 }) {
    return {
      process(frame, out) {
        if (spinUs > 0) for (const until = performance.now() + spinUs / 1e3; performance.now() < until; );
        const fate = fateOf(frame.ordinal);
        if (fate === 'filtered') return;
        if (fate === 'passed') {
          out.emit(frame);
          return;
        }
        for (let i = 0; i < (fate === 'three' ? 3 : 1); i++) {
          const made = out.create({ shape: frame.shape, dtype: frame.dtype });
          made.data.set(frame.data);
          out.emit(made);
        }
      },
    };
  },
};
