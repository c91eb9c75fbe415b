import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installPacked, type PackedPackage, ROOT } from '../support/packed-package.js';

/** The packages that Millrace must be able to do without. */
const OPTIONAL = ['sharp', 'zeromq'];

let packed: PackedPackage;
beforeAll(async () => {
  packed = await installPacked({ optional: false });
});
afterAll(() => packed.remove());

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command of a package that has no optional dependency. */
function millrace(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const main = join(packed.folder, 'node_modules/millrace/dist/src/cli/main.js');
    execFile(process.execPath, [main, ...args], { cwd: packed.folder, env: { ...process.env, NO_COLOR: '1' } }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr });
    });
  });
}

test('the packages with native code are optional dependencies, and the clients of brokers are not', async () => {
  const description = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as Record<string, Record<string, string>>;
  expect(Object.keys(description.optionalDependencies ?? {})).toEqual(OPTIONAL);
  expect(Object.keys(description.dependencies ?? {})).toEqual(expect.arrayContaining(['ioredis', 'kafkajs']));
});

test('info names the optional packages that are not installed', async () => {
  const { code, stdout } = await millrace('info', '--json');
  expect(code).toBe(0);
  const { clients } = JSON.parse(stdout) as { clients: Record<string, string | null> };
  for (const name of OPTIONAL) expect(clients, name).toHaveProperty(name, null);
  expect(clients.kafkajs).toMatch(/^\d/);
});

test('list also prints the sinks whose packages are not installed', async () => {
  const { code, stdout } = await millrace('list', 'sinks');
  expect(code).toBe(0);
  expect(stdout).toMatch(/\bimage\b/);
  expect(stdout).toMatch(/\bzmq\b/);
});

test('relay runs without the optional packages', async () => {
  const ended = await millrace('relay', 'sim:?frames=20&shape=16x16&pattern=counter', 'null:?checksum=true');
  expect(ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/ledger: balanced/) });
});

test('demo runs without sharp, and says in one line what it leaves out', async () => {
  const { code, stdout, stderr } = await millrace('demo', '--seconds', '1', '--out', 'demo');
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stdout).toMatch(/ledger: balanced/);
  expect(stdout).not.toMatch(/frame\.png/);
  const lines = stderr.split('\n').filter((line) => line.includes('sharp'));
  expect(lines).toEqual([expect.stringMatching(/frame\.png.*npm install sharp/)]);
});

const SIM = 'sources: { in: { type: sim, pattern: counter, shape: [16, 16], frames: 4 } }';
for (const [name, lines] of [
  ['sharp', `${SIM}\nsinks: { out: { type: image, from: in, path: out.png } }`],
  ['zeromq', `${SIM}\nsinks: { out: { type: zmq, from: in, driver: libzmq, socket: push, bind: "tcp://127.0.0.1:0" } }`],
] as const) {
  test(`a pipeline that needs ${name} is valid, and its run fails with the command that installs ${name}`, async () => {
    const file = `needs-${name}.yaml`;
    await writeFile(join(packed.folder, file), `version: 1\nname: needs-${name}\n${lines}\n`);
    expect(await millrace('validate', file)).toMatchObject({ code: 0 });
    const { code, stderr } = await millrace('run', file);
    expect(code).toBe(1);
    expect(stderr).toMatch('ERR_OPTIONAL_MISSING');
    expect(stderr).toMatch(`npm install ${name}`);
  });
}
