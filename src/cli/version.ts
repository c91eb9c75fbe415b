import { readFileSync } from 'node:fs';

/** The version of this package; its package.json is in a folder above `src` and above `dist/src`. */
export function version(): string {
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      const { name, version: found } = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (name === 'millrace' && found) return found;
    } catch {
      // Not in this folder.
    }
  }
  return 'unknown';
}
