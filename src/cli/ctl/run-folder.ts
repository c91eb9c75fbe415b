import { rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ControlServer } from '../../control/control-server.js';
import { openPrivateFolder } from '../../control/private-folder.js';
import { asMillraceError } from '../../errors/errors.js';
import type { Pipeline } from '../../pipeline/pipeline.js';
import type { Output } from '../output.js';
import { version } from '../version.js';

export const SOCKET_NAME = 'ctl.sock';

/** Where the runs of this user have their folders. */
export function runsFolder(): string {
  return join(process.env.XDG_RUNTIME_DIR || tmpdir(), `millrace-${process.getuid?.() ?? 0}`);
}

/** Opens the control socket in the folder of the run. One that was not asked for by name does not keep a pipeline from running. */
export async function openControl(
  pipeline: Pipeline,
  runDir: string | undefined,
  output: Output,
): Promise<{ close(): Promise<void> } | undefined> {
  const name = pipeline.spec.name.replace(/[^\w.-]/g, '_').slice(0, 40);
  const folder = runDir ?? join(runsFolder(), `${name}-${process.pid}`);
  const server = new ControlServer(pipeline, { path: join(folder, SOCKET_NAME), version: version() });
  try {
    if (runDir === undefined) await openPrivateFolder(runsFolder());
    await server.open();
  } catch (thrown) {
    const error = asMillraceError(thrown, 'ERR_STATE');
    if (runDir !== undefined) throw error;
    output.err(`millrace: warning: no control socket: ${error.message}`);
    return undefined;
  }
  return {
    close: async () => {
      await server.close();
      await rmdir(folder).catch(() => {}); // others may keep files in it
    },
  };
}
