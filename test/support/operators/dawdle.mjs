/** Takes `ms` for each frame, and hands it on if `pass`. With `wait` it waits for that time, else it is busy with it. */
export default {
  type: 'dawdle',
  description: 'test',
  parameters: {
    type: 'object',
    properties: { ms: { type: 'number' }, pass: { type: 'boolean' }, wait: { type: 'boolean' } },
  },
  create({ ms, pass = true, wait = false }) {
    return {
      process(frame, out) {
        if (wait) return new Promise((resolve) => setTimeout(resolve, ms)).then(() => pass && out.emit(frame));
        for (const until = performance.now() + ms; performance.now() < until; );
        if (pass) out.emit(frame);
      },
    };
  },
};
