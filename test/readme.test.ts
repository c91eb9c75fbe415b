import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);
const root = new URL('..', import.meta.url).pathname;
let folder: string;
let readme: string;

/** The one block of a language in README. */
function block(language: string, holding: string): string {
  const found = [...readme.matchAll(/```(\w+)\n([\s\S]*?)```/g)].filter(([, name, text]) => name === language && text!.includes(holding));
  expect(found).toHaveLength(1);
  return found[0]![2]!;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-readme-'));
  readme = await readFile(join(root, 'README.md'), 'utf8');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('the pipeline and the operator of README run as they are printed', async () => {
  await writeFile(join(folder, 'pipeline.yaml'), block('yaml', 'version: 1'));
  await writeFile(join(folder, 'hit-finder.mjs'), block('js', 'hitFinder'));
  const { stdout } = await run(process.execPath, [join(root, 'dist/src/cli/main.js'), 'run', join(folder, 'pipeline.yaml'), '--json']);
  const { ok, sources } = JSON.parse(stdout) as {
    ok: boolean;
    sources: { detector: { ledger: { received: number; delivered: number; filtered: number } } };
  };
  const { received, delivered, filtered } = sources.detector.ledger;
  expect({ ok, received, all: delivered + filtered }).toEqual({ ok: true, received: 500, all: 500 });
  expect(Math.min(delivered, filtered)).toBeGreaterThan(0);
  expect((await readdir(join(folder, 'hits'), { recursive: true })).filter((name) => name.endsWith('.npy'))).toHaveLength(delivered);
});

test('the dead letters of README are listed, go through the repaired operator and are gone', async () => {
  const main = join(root, 'dist/src/cli/main.js');
  await writeFile(join(folder, 'pipeline.yaml'), block('yaml', 'version: 1'));
  await writeFile(
    join(folder, 'hit-finder.mjs'),
    "export default () => ({ process(frame, out) { if (frame.sequence % 100 === 7) throw new Error('a bug'); out.emit(frame); } });\n",
  );
  await run(process.execPath, [main, 'run', 'pipeline.yaml', '--quiet', '--set', 'deadLetters.directory=dead', '--fail-on', 'none'], {
    cwd: folder,
  });
  await writeFile(join(folder, 'hit-finder.mjs'), block('js', 'hitFinder'));
  const said: string[] = [];
  for (const line of block('sh', 'dlq').trim().split('\n')) {
    const [command, ...args] = line.split(' ');
    expect(command).toBe('millrace');
    said.push((await run(process.execPath, [main, ...args], { cwd: folder })).stdout);
  }
  for (const n of [7, 107, 207, 307, 407]) expect(said[0]).toMatch(new RegExp(`detector +${n} +reduce +operator-failed`));
  expect(said[1]).toContain('dead letters: 5 delivered and removed, 0 kept');
  expect(said[2]).toBe('0 dead letters removed\n');
  expect(await readdir(join(folder, 'dead'))).toEqual([]);
});

test('the program of README runs as it is printed, and the examples are what README prints', async () => {
  const printed = block('js', "from 'millrace'");
  expect(await readFile(join(root, 'examples/embedding/embed.mjs'), 'utf8')).toBe(printed);
  expect(await readFile(join(root, 'examples/hits/pipeline.yaml'), 'utf8')).toBe(block('yaml', 'version: 1'));
  expect(await readFile(join(root, 'examples/hits/hit-finder.mjs'), 'utf8')).toBe(block('js', 'hitFinder'));
  const { stdout } = await run(process.execPath, [join(root, 'examples/embedding/embed.mjs')]);
  expect(stdout).toMatch(/^0 \[ 16, 16 \] uint32 0\n1 \[ 16, 16 \] uint32 16\n/);
  expect(stdout).toContain('true');
});
