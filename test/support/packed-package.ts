import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface PackedPackage {
  /** A folder whose `node_modules` has the package as it would be published, and the dependencies of this checkout. */
  readonly folder: string;
  /** What was packed, relative to the package. */
  readonly files: readonly string[];
  remove(): Promise<void>;
}

export interface PackedOptions {
  /** Further packages of this checkout to install. */
  readonly others?: readonly string[];
  /** Installs the optional dependencies. Default true. */
  readonly optional?: boolean;
}

interface Description {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

/** Packs the build as it is, and installs it in a folder of its own. */
export async function installPacked({ others = [], optional = true }: PackedOptions = {}): Promise<PackedPackage> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-packed-'));
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], { cwd: ROOT });
  const [packed] = JSON.parse(stdout) as [{ filename: string; files: readonly { path: string }[] }];
  const modules = join(folder, 'node_modules');
  const own = join(modules, 'millrace');
  await mkdir(own, { recursive: true });
  await run('tar', ['-xzf', join(folder, packed.filename), '-C', own, '--strip-components=1']);
  const description = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as Description;
  const dependencies = { ...description.dependencies, ...(optional && description.optionalDependencies) };
  for (const name of [...Object.keys(dependencies), ...others]) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(ROOT, 'node_modules', name), join(modules, name));
  }
  return { folder, files: packed.files.map(({ path }) => path), remove: () => rm(folder, { recursive: true, force: true }) };
}
