import { execFile, execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installPacked, type PackedPackage, ROOT } from '../support/packed-package.js';

const run = promisify(execFile);

/** MILLRACE_TEST_DENO and MILLRACE_TEST_BUN name the program; else it is looked for in PATH. */
function find(name: string): string | undefined {
  const program = process.env[`MILLRACE_TEST_${name.toUpperCase()}`] ?? name;
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return program;
  } catch {
    return undefined;
  }
}

let packed: PackedPackage;
beforeAll(async () => {
  packed = await installPacked();
  await writeFile(join(packed.folder, 'package.json'), '{ "type": "module" }');
  await writeFile(join(packed.folder, 'embed.mjs'), await readFile(join(ROOT, 'examples/embedding/embed.mjs'), 'utf8'));
});
afterAll(() => packed.remove());

for (const [name, args] of [
  ['deno', ['run', '--allow-all', '--node-modules-dir=manual', '--no-lock']],
  ['bun', ['run']],
] as const) {
  const program = find(name);
  const missing = program ? '' : ` (skipped: there is no ${name}; MILLRACE_TEST_${name.toUpperCase()} names one)`;
  describe(name, () => {
    test.skipIf(!program)(`the embedding example runs and ends without an error by ${name}${missing}`, async () => {
      const { stdout, stderr } = await run(program!, [...args, 'embed.mjs'], {
        cwd: packed.folder,
        env: { ...process.env, NO_COLOR: '1' },
      });
      expect(stdout).toMatch(/^0 \[ 16, 16 \] uint32 0\n1 \[ 16, 16 \] uint32 16\n/);
      expect(stdout).toMatch(/true/);
      expect(stderr.replaceAll(/^Warning.*\n/gm, '')).not.toMatch(/rror/);
    });
  });
}
