/** Three frames of each, as copies; one frame, by its ordinal, is held back for `holdMs`: all later ones must wait for it. */
export default {
  type: 'hold-lowest',
  description: 'test',
  maxOutputs: 3,
  passes: false,
  parameters: { type: 'object', properties: { ordinal: { type: 'integer' }, holdMs: { type: 'number' }, outputs: { type: 'integer' } } },
  create({ ordinal, holdMs, outputs = 3 }) {
    const still = new Int32Array(new SharedArrayBuffer(4));
    return {
      process(frame, out) {
        if (frame.ordinal === ordinal) Atomics.wait(still, 0, 0, holdMs);
        for (let i = 0; i < outputs; i++) {
          const made = out.create({ shape: frame.shape, dtype: frame.dtype });
          made.data.set(frame.data);
          out.emit(made);
        }
      },
    };
  },
};
