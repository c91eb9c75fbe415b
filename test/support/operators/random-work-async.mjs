import { setTimeout as delay } from 'node:timers/promises';
import { act, fateOf, numberOf, PARAMETERS } from './random-fates.mjs';

/** As random-work.mjs, later: frames overtake each other. */
export default {
  type: 'random-work-async',
  description: 'test',
  maxOutputs: 3,
  parameters: PARAMETERS,
  create({ salt, weights }) {
    const seen = new Set();
    return {
      async process(frame, out) {
        const number = numberOf(frame);
        await delay(((number * 7 + salt) % 3) * 2);
        act(frame, out, fateOf(number, salt, weights), seen);
      },
    };
  },
};
