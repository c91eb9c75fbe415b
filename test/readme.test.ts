import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../src/cli/demo/free-port.js';
import { PYTHON, pythonHas } from './support/python.js';

const run = promisify(execFile);
const root = new URL('..', import.meta.url).pathname;
let folder: string;

/** The one block of a language in a document that contains a text. */
async function block(document: string, language: string, containing: string): Promise<string> {
  const blocks = [...(await readFile(join(root, document), 'utf8')).matchAll(/```(\w+)\n([\s\S]*?)```/g)];
  const found = blocks.filter(([, name, text]) => name === language && text!.includes(containing));
  expect(found).toHaveLength(1);
  return found[0]![2]!;
}

const YOUR_OPERATOR = 'docs/guide/your-operator.md';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-readme-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('the pipeline and the operator of the guide run as printed', async () => {
  await writeFile(join(folder, 'pipeline.yaml'), await block(YOUR_OPERATOR, 'yaml', 'version: 1'));
  await writeFile(join(folder, 'hit-finder.mjs'), await block(YOUR_OPERATOR, 'js', 'hitFinder'));
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

test('the dlq commands of the guide list, replay and remove dead letters', async () => {
  const main = join(root, 'dist/src/cli/main.js');
  await writeFile(join(folder, 'pipeline.yaml'), await block(YOUR_OPERATOR, 'yaml', 'version: 1'));
  await writeFile(
    join(folder, 'hit-finder.mjs'),
    "export default () => ({ process(frame, out) { if (frame.sequence % 100 === 7) throw new Error('a bug'); out.emit(frame); } });\n",
  );
  await run(process.execPath, [main, 'run', 'pipeline.yaml', '--quiet', '--set', 'deadLetters.directory=dead', '--fail-on', 'none'], {
    cwd: folder,
  });
  await writeFile(join(folder, 'hit-finder.mjs'), await block(YOUR_OPERATOR, 'js', 'hitFinder'));
  const said: string[] = [];
  for (const line of (await block('docs/guide/operating.md', 'sh', 'dlq')).trim().split('\n')) {
    const [command, ...args] = line.split(' ');
    expect(command).toBe('millrace');
    said.push((await run(process.execPath, [main, ...args], { cwd: folder })).stdout);
  }
  for (const n of [7, 107, 207, 307, 407]) expect(said[0]).toMatch(new RegExp(`detector +${n} +reduce +operator-failed`));
  expect(said[1]).toContain('dead letters: 5 delivered and removed, 0 kept');
  expect(said[2]).toBe('0 dead letters removed\n');
  expect(await readdir(join(folder, 'dead'))).toEqual([]);
});

test('README and the guide print the examples as they are, and the embedding example runs', async () => {
  const example = (path: string): Promise<string> => readFile(join(root, 'examples', path), 'utf8');
  expect(await block('docs/guide/embedding.md', 'js', "from 'millrace'")).toBe(await example('embedding/embed.mjs'));
  expect(await block(YOUR_OPERATOR, 'yaml', 'version: 1')).toBe(await example('hits/pipeline.yaml'));
  expect(await block(YOUR_OPERATOR, 'js', 'hitFinder')).toBe(await example('hits/hit-finder.mjs'));
  expect(await block('README.md', 'js', 'hitFinder')).toBe(await example('hits/hit-finder.mjs'));
  expect(await block('README.md', 'yaml', 'version: 1')).toBe(await example('detector/pipeline.yaml'));
  const python = await block('README.md', 'python', 'zmq.PUSH');
  expect(python).toBe(`# send.py\n${await example('detector/send.py')}\n# receive.py\n${await example('detector/receive.py')}`);
  const { stdout } = await run(process.execPath, [join(root, 'examples/embedding/embed.mjs')]);
  expect(stdout).toMatch(/^0 \[ 16, 16 \] uint32 0\n1 \[ 16, 16 \] uint32 16\n/);
  expect(stdout).toContain('true');
});

test('the operator with a schema of the guide passes the test of the guide', async () => {
  const modules = join(folder, 'node_modules');
  await mkdir(modules, { recursive: true });
  await symlink(root, join(modules, 'millrace'));
  await writeFile(join(folder, 'clip.mjs'), await block(YOUR_OPERATOR, 'js', 'defineOperator'));
  const checked = await block(YOUR_OPERATOR, 'js', 'runOperator');
  await writeFile(join(folder, 'clip.test.mjs'), checked);
  await run(process.execPath, [join(folder, 'clip.test.mjs')]);
  await writeFile(join(folder, 'wrong.test.mjs'), checked.replace('[1, 5, 5]', '[1, 5, 6]'));
  await expect(run(process.execPath, [join(folder, 'wrong.test.mjs')])).rejects.toThrow('ERR_ASSERTION');
});

const hasZmq = pythonHas('zmq', 'numpy');
test.skipIf(!hasZmq)(
  `the sender and receiver of README run with its pipeline${hasZmq ? '' : ' (skipped: no pyzmq and numpy)'}`,
  async () => {
    const [frames, results] = await Promise.all([freePort(), freePort()]);
    const moved = (text: string): string => text.replaceAll('9999', String(frames)).replaceAll('5556', String(results));
    for (const name of ['pipeline.yaml', 'send.py', 'receive.py'])
      await writeFile(join(folder, name), moved(await readFile(join(root, 'examples/detector', name), 'utf8')));
    const options = { cwd: folder, timeout: 60_000 };
    const [received] = await Promise.all([
      run(PYTHON, ['receive.py'], options),
      run(PYTHON, ['send.py'], options),
      run(process.execPath, [join(root, 'dist/src/cli/main.js'), 'run', 'pipeline.yaml', '--silent'], options),
    ]);
    // A block of 4 x 4 pixels with the value n has the sum 16 n.
    const expected = Array.from({ length: 100 }, (_, n) => `${n} (128, 128) uint32 ${16 * n}\n`);
    expect(received.stdout).toBe(expected.join(''));
  },
);
