import { readdir, rmdir, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { SOCKET_NAME } from './socket-name.js';

/**
 * Removes what killed runs left in the folder of all runs: `NAME-PID` where no process has that id and no process
 * answers at the socket. A run in another process namespace still answers, though its id is unknown here; unrelated
 * files remain.
 */
export async function removeDeadRuns(runs: string): Promise<void> {
  const entries = await readdir(runs, { withFileTypes: true }).catch(() => []);
  await Promise.all(
    entries.map(async (entry) => {
      const pid = Number(/-(\d{1,10})$/.exec(entry.name)?.[1]);
      if (!entry.isDirectory() || !(pid > 0) || isAlive(pid)) return;
      const folder = join(runs, entry.name);
      const path = join(folder, SOCKET_NAME);
      if (await somebodyListens(path)) return;
      await unlink(path).catch(() => {});
      await rmdir(folder).catch(() => {});
    }),
  );
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code !== 'ESRCH'; // EPERM: the process exists but belongs to another user.
  }
}

function somebodyListens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
  });
}
