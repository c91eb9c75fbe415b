/** Takes ten frames and hands the tenth on as it came; what is left over stays. */
export default {
  type: 'every-tenth',
  description: 'test',
  parameters: { type: 'object', properties: {} },
  merges: true,
  create() {
    let n = 0;
    return {
      process(frame, out) {
        n = (n + 1) % 10;
        if (n === 0) out.emit(frame);
      },
    };
  },
};
