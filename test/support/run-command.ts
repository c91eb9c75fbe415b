import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

export interface CommandRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `millrace run` of the build on a description (JSON is YAML). `during` gets the process once it was started. */
export async function runCommand(
  folder: string,
  name: string,
  description: object,
  args: readonly string[] = [],
  during?: (child: ChildProcess, said: () => string) => unknown,
): Promise<CommandRun> {
  const file = join(folder, name);
  writeFileSync(file, JSON.stringify({ version: 1, ...description }));
  const child = spawn(process.execPath, [MAIN, 'run', file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  const ended = once(child, 'close');
  try {
    await during?.(child, () => stderr);
    const [code] = await ended;
    return { code: code as number | null, stdout: Buffer.concat(chunks).toString(), stderr };
  } finally {
    child.kill('SIGKILL');
  }
}
