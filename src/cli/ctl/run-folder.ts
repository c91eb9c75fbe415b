import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ControlServer } from '../../control/control-server.js';
import { openPrivateFolder } from '../../control/private-folder.js';
import { asMillraceError } from '../../errors/errors.js';
import type { Pipeline } from '../../run/pipeline.js';
import type { Output } from '../output.js';
import { version } from '../version.js';
import { removeDeadRuns } from './remove-dead-runs.js';
import { runsFolder } from './runs-folder.js';
import { SOCKET_NAME } from './socket-name.js';

/**
 * Opens the control socket in the folder of the run. If the user did not ask for a socket by name, a failure here does
 * not stop the pipeline.
 */
export async function openControl(
  pipeline: Pipeline,
  runDir: string | undefined,
  output: Output,
): Promise<{ close(): Promise<void> } | undefined> {
  const name = pipeline.spec.name.replace(/[^\w.-]/g, '_').slice(0, 40);
  const folder = runDir ?? join(runsFolder(), `${name}-${process.pid}`);
  let isOurs = false;
  const server = new ControlServer(pipeline, { path: join(folder, SOCKET_NAME), version: version() });
  try {
    if (runDir === undefined) {
      await openPrivateFolder(runsFolder());
      await removeDeadRuns(runsFolder());
    }
    isOurs = await openPrivateFolder(folder);
    await server.open();
  } catch (thrown) {
    if (isOurs) await rmdir(folder).catch(() => {});
    const error = asMillraceError(thrown, 'ERR_STATE');
    if (runDir !== undefined) throw error;
    output.err(`millrace: warning: no control socket: ${error.message}`);
    return undefined;
  }
  return {
    close: async () => {
      await server.close();
      if (isOurs) await rmdir(folder).catch(() => {}); // Other programs may keep files in it.
    },
  };
}
