import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EXIT, MillraceError } from '../errors/errors.js';
import type { CliContext } from './context.js';

/** `millrace bench`: runs the benches in a process of their own and passes the arguments on unchanged. */
export async function bench(args: readonly string[], { signal }: CliContext): Promise<number> {
  const script = fileURLToPath(new URL('../../bench/run.js', import.meta.url));
  if (!existsSync(script))
    throw new MillraceError(
      'ERR_USAGE',
      `the benches are not part of the package: run them in a clone of the repository (${script} is missing)`,
    );
  const child = spawn(process.execPath, [script, ...args], { stdio: 'inherit' });
  signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? EXIT.failed));
  });
}
