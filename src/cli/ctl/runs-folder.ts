import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where the runs of this user have their folders. */
export function runsFolder(): string {
  return join(process.env.XDG_RUNTIME_DIR || tmpdir(), `millrace-${process.getuid?.() ?? 0}`);
}
