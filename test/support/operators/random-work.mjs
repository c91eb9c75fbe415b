import { act, fateOf, numberOf, PARAMETERS } from './random-fates.mjs';

/** What becomes of a frame, by its number: see random-fates.mjs. */
export default {
  type: 'random-work',
  description: 'test',
  async: false,
  maxOutputs: 3,
  parameters: PARAMETERS,
  create({ salt, weights }) {
    const seen = new Set();
    return {
      process(frame, out) {
        act(frame, out, fateOf(numberOf(frame), salt, weights), seen);
      },
    };
  },
};
