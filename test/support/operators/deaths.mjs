import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Passes frames on; once at each ordinal that leaves `at` by `every`, the worker dies in the given way. `folder` remembers. */
export default {
  type: 'deaths',
  description: 'test',
  parameters: {
    type: 'object',
    properties: { kind: { type: 'string' }, every: { type: 'integer' }, at: { type: 'integer' }, folder: { type: 'string' } },
  },
  create({ kind, every, at = 0, folder }) {
    return {
      process(frame, out) {
        const marker = join(folder, `${frame.ordinal}`);
        if (frame.ordinal % every === at && !existsSync(marker)) {
          writeFileSync(marker, kind);
          die(kind);
        }
        out.emit(frame);
      },
    };
  },
};

function die(kind) {
  switch (kind) {
    case 'exit':
      process.exit(3);
      break;
    case 'uncaught': // thrown where no loop can catch it
      process.nextTick(() => {
        throw new Error('nobody catches this');
      });
      break;
    case 'loop':
      for (;;);
    case 'heap': {
      const kept = [];
      for (;;) kept.push({ a: kept.length, b: [kept.length] });
    }
  }
}
