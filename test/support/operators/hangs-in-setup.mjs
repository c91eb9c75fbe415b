import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Hands frames on. Its `setup` number `at` (from 0, counted by files in `folder`) never returns: it waits, or loops. */
export default {
  type: 'hangs-in-setup',
  description: 'test',
  async: false,
  parameters: {
    type: 'object',
    properties: { folder: { type: 'string' }, at: { type: 'integer' }, loops: { type: 'boolean' } },
  },
  create({ folder, at, loops = false }) {
    return {
      async setup() {
        const number = readdirSync(folder).length;
        writeFileSync(join(folder, `${number}`), '');
        if (number !== at) return;
        if (loops) for (;;);
        await new Promise((resolve) => setTimeout(resolve, 600_000));
      },
      process(frame, out) {
        out.emit(frame);
      },
    };
  },
};
