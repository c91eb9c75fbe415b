/** Hands frames on; throws on the one whose number is `throwAt`, at each attempt. */
export default {
  type: 'by-sequence',
  description: 'test',
  parameters: { type: 'object', properties: { throwAt: { type: 'integer' } } },
  async: false,
  create({ throwAt }) {
    return {
      process(frame, out) {
        if (frame.sequence === throwAt) throw new Error('never');
        out.emit(frame);
      },
    };
  },
};
