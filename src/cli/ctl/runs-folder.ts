import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The folder that holds the folders of this user's runs. */
export function runsFolder(): string {
  return join(process.env.XDG_RUNTIME_DIR || tmpdir(), `millrace-${process.getuid?.() ?? 0}`);
}
