/** Writes one byte behind what a slot holds, of the frame with a given number. */
export default {
  type: 'overruns',
  description: 'test',
  parameters: { type: 'object', properties: { sequence: { type: 'integer' }, slotBytes: { type: 'integer' } } },
  create({ sequence, slotBytes }) {
    return {
      process(frame, out) {
        const made = out.create({ shape: frame.shape, dtype: frame.dtype });
        made.data.set(frame.data);
        if (frame.sequence === sequence) new Uint8Array(made.data.buffer)[made.address + slotBytes] = 1;
        out.emit(made);
      },
    };
  },
};
