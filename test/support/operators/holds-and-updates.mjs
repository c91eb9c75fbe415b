/** Says that it takes new parameters and that it holds frames: it cannot be both. */
export default {
  type: 'holds-and-updates',
  description: 'test',
  updates: true,
  flushes: true,
  parameters: { type: 'object', properties: {} },
  create: () => ({ process() {}, flush() {} }),
};
