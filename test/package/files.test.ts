import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { VERSION } from '../../src/memory/package-version.js';
import { installPacked, type PackedPackage, ROOT } from '../support/packed-package.js';

let packed: PackedPackage;
beforeAll(async () => {
  packed = await installPacked();
});
afterAll(() => packed.remove());

test('the package has every file and folder that README names, except tests', async () => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path]) => path!);
  const quoted = [...readme.matchAll(/`([\w./-]+\/[\w./-]+)`/g)].map(([, path]) => path!);
  const named = [...links, ...quoted.filter((path) => existsSync(join(ROOT, path)))].map((path) => path.replace(/\/$/, ''));
  expect(links.length).toBeGreaterThan(5);
  // The guarantees link to their tests, which are in the repository only.
  const missing = named.filter(
    (path) => !path.startsWith('test/') && !packed.files.some((file) => file === path || file.startsWith(`${path}/`)),
  );
  expect(missing).toEqual([]);
});

test('each compiled file has a source map with its source', async () => {
  const compiled = packed.files.filter((file) => /^dist\/.*\.js$/.test(file));
  expect(compiled.length).toBeGreaterThan(100);
  for (const file of compiled) {
    expect(packed.files).toContain(`${file}.map`);
    const map = JSON.parse(await readFile(join(packed.folder, 'node_modules/millrace', `${file}.map`), 'utf8')) as {
      sources: readonly string[];
      sourcesContent?: readonly string[];
    };
    // A bundle may have a file that only names others.
    if (map.sources.length > 0) expect(map.sourcesContent?.[0], file).toBeTypeOf('string');
  }
});

test('the package holds no file of the tests and benches', () => {
  expect(packed.files.filter((file) => /^(dist\/)?(test|bench)\//.test(file))).toEqual([]);
});

test('the version in the code is that of the package', async () => {
  expect(VERSION).toBe((JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version);
});
