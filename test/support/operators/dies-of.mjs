import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Hands frames on; the worker dies of the frame with this number, `times` times. `folder` remembers. */
export default {
  type: 'dies-of',
  description: 'test',
  parameters: {
    type: 'object',
    properties: { number: { type: 'integer' }, times: { type: 'integer' }, folder: { type: 'string' }, name: { type: 'string' } },
  },
  async: false,
  create({ number, times, folder, name }) {
    return {
      process(frame, out) {
        for (let i = 0; frame.sequence === number && i < times; i++) {
          const marker = join(folder, `${name}-${i}`);
          if (existsSync(marker)) continue;
          writeFileSync(marker, '');
          process.exit(3);
        }
        out.emit(frame);
      },
    };
  },
};
