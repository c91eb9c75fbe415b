import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Hands every frame on; its thread ends in `setup`, so many times after the first. `folder` remembers. */
export default function diesInSetup({ folder, times }) {
  return {
    setup() {
      const starts = readdirSync(folder).length;
      writeFileSync(join(folder, `${starts}`), '');
      if (starts > 0 && starts <= times) process.exit(3);
    },
    process(frame, out) {
      out.emit(frame);
    },
  };
}
