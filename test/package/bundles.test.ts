import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as esbuild from 'esbuild';
import * as vite from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installPacked, type PackedPackage } from '../support/packed-package.js';
import { itFull } from '../support/test-size.js';

const run = promisify(execFile);
/** What no bundle needs to hold, and some cannot. */
const LEFT_OUT = /node_modules\/(ioredis|kafkajs|sharp|h5wasm|zeromq|piscina|yaml)\//;

const daemon = `
import { pipeline } from 'millrace';
async function main() {
  const run = pipeline('bundled')
    .source('in', { type: 'push', maxFrame: '64KiB' })
    .stage('reduce', { from: 'in', workers: 2, operators: [{ type: 'rebin', factor: 2 }] })
    .sink('out', { type: 'iterate', from: 'reduce' })
    .sink('picture', { type: 'image', from: 'in', path: 'picture.png' })
    .build();
  await run.start();
  for (let n = 0; n < 8; n++) await run.source('in').push({ data: new Uint16Array(16).fill(n), shape: [4, 4] });
  run.source('in').end();
  let sum = 0;
  for await (const frame of run.sink('out')) sum += frame.data[0];
  const { ok, sources } = await run.closed;
  console.log(JSON.stringify({ ok, sum, delivered: sources.in.ledger.delivered }));
}
main().catch((error) => { console.error(error); process.exitCode = 1; });
`;
/** Each value of a block of 2 x 2 pixels of frame n is 4 n. */
const expected = JSON.stringify({ ok: true, sum: 4 * (0 + 1 + 2 + 3 + 4 + 5 + 6 + 7), delivered: 8 });

let packed: PackedPackage;
let folder: string;
beforeAll(async () => {
  packed = await installPacked();
  folder = packed.folder;
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await writeFile(join(folder, 'daemon.mjs'), daemon);
});
afterAll(() => packed.remove());

async function bundle(format: 'esm' | 'cjs', outfile: string): Promise<readonly string[]> {
  const { metafile, warnings } = await esbuild.build({
    entryPoints: [join(folder, 'daemon.mjs')],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format,
    metafile: true,
    logLevel: 'silent',
    // What a bundle of CommonJS says of `import.meta`, which Millrace does without there.
    logOverride: { 'empty-import-meta': 'silent' },
  });
  expect(warnings).toEqual([]);
  return Object.keys(metafile.inputs);
}

async function output(file: string, env: object = {}): Promise<string> {
  const { stdout, stderr } = await run(process.execPath, [file], { cwd: folder, env: { ...process.env, ...env } });
  expect(stderr).toBe('');
  return stdout.trim();
}

test('a bundle by esbuild runs, and leaves out the clients and what starts threads', async () => {
  const inputs = await bundle('esm', join(folder, 'esbuild/daemon.mjs'));
  expect(inputs.some((file) => file.includes('millrace/dist/src/run/pipeline.js'))).toBe(true);
  expect(inputs.filter((file) => LEFT_OUT.test(file))).toEqual([]);
  expect(await output(join(folder, 'esbuild/daemon.mjs'))).toBe(expected);
});

itFull('a bundle by esbuild in CommonJS runs', async () => {
  await bundle('cjs', join(folder, 'esbuild/daemon.cjs'));
  expect(await output(join(folder, 'esbuild/daemon.cjs'))).toBe(expected);
});

test('a bundle by vite that holds all of Millrace runs, and so does one that leaves it outside', async () => {
  for (const noExternal of [true, undefined] as const) {
    const outDir = join(folder, `vite-${noExternal === true}`);
    await vite.build({
      root: folder,
      configFile: false,
      logLevel: 'error',
      ssr: noExternal === undefined ? {} : { noExternal },
      build: { ssr: 'daemon.mjs', outDir, target: 'node20', minify: false },
    });
    const [file] = (await readdir(outDir)).filter((name) => /^daemon\.m?js$/.test(name));
    const text = await readFile(join(outDir, file!), 'utf8');
    expect(/^import .*from ["']millrace["']/m.test(text)).toBe(noExternal === undefined);
    expect(await output(join(outDir, file!))).toBe(expected);
  }
});

test('a bundle away from its packages says what is missing, and MILLRACE_DIST names it', async () => {
  const away = await mkdtemp(join(tmpdir(), 'millrace-away-'));
  try {
    await bundle('esm', join(away, 'daemon.mjs'));
    const failure = await run(process.execPath, [join(away, 'daemon.mjs')], { cwd: away }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 1, stderr: expect.stringMatching(/MILLRACE_DIST/) });
    expect(await output(join(away, 'daemon.mjs'), { MILLRACE_DIST: join(folder, 'node_modules/millrace/dist') })).toBe(expected);
  } finally {
    await rm(away, { recursive: true });
  }
});

test('a bundle does not start the threads of another version', async () => {
  const other = join(folder, 'other/node_modules/millrace');
  await mkdir(other, { recursive: true });
  await cp(join(folder, 'node_modules/millrace'), other, { recursive: true });
  const description = join(other, 'package.json');
  await writeFile(description, (await readFile(description, 'utf8')).replace(/"version": "[^"]+"/, '"version": "99.0.0"'));
  await bundle('esm', join(folder, 'other/daemon.mjs'));
  const failure = await run(process.execPath, [join(folder, 'other/daemon.mjs')]).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 1, stderr: expect.stringContaining('99.0.0') });
});
