import { chmod, link, mkdtemp, rm, unlink } from 'node:fs/promises';
import type { Server } from 'node:net';
import { dirname, join, sep } from 'node:path';

/** Characters added to the folder of the socket: a folder of six random ones, and `s` in it. */
export const DETOUR_CHARACTERS = '/xxxxxx/s'.length;

/**
 * Listens at a Unix socket that no other user can open at any moment. A socket gets the permissions of the umask, which
 * belongs to the whole process, so it is created in a private folder of mode 0700 beside its place and then linked
 * there. Rejects when `path` exists. The caller removes `path`: the server only knows the other name.
 */
export async function listenPrivately(server: Server, path: string): Promise<void> {
  const detour = await mkdtemp(dirname(path) + sep);
  try {
    const made = join(detour, 's');
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(made, () => {
        server.off('error', reject);
        resolve();
      });
    });
    try {
      await chmod(made, 0o600);
      await link(made, path);
      await unlink(made);
    } catch (error) {
      server.close();
      throw error;
    }
  } finally {
    await rm(detour, { recursive: true, force: true });
  }
}
