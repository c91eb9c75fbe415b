/** Copies every frame; each one whose number divides by `every` gets a meta of so many bytes. */
export default {
  type: 'large-meta',
  description: 'test',
  parameters: { type: 'object', properties: { bytes: { type: 'integer' }, every: { type: 'integer' } } },
  create({ bytes, every }) {
    return {
      process(frame, out) {
        const large = frame.sequence % every === 0 ? { meta: { x: 'y'.repeat(bytes) } } : {};
        const made = out.create({ shape: frame.shape, dtype: frame.dtype, ...large });
        made.data.set(frame.data);
        out.emit(made);
      },
    };
  },
};
