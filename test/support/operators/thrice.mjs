import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Three copies of each frame, numbered in `meta.part`; at every `every`th ordinal the worker dies once between two of them. */
export default {
  type: 'thrice',
  description: 'test',
  maxOutputs: 3,
  parameters: { type: 'object', properties: { every: { type: 'integer' }, folder: { type: 'string' } } },
  create({ every, folder }) {
    return {
      process(frame, out) {
        const marker = join(folder, `${frame.ordinal}`);
        const dies = frame.ordinal % every === every - 1 && !existsSync(marker);
        for (let part = 0; part < 3; part++) {
          if (dies && part === 1 + (Math.floor(frame.ordinal / every) % 2)) {
            writeFileSync(marker, '');
            process.exit(4);
          }
          const made = out.create({ shape: frame.shape, dtype: frame.dtype, meta: { part } });
          made.data.set(frame.data);
          out.emit(made);
        }
      },
    };
  },
};
